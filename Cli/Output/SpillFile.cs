using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Interceptor.Tcp;
using Microsoft.Win32.SafeHandles;

namespace Interceptor.Cli.Output;

/// <summary>
/// A temporary file for packed reports. Its name is removed as soon as it is open: whatever ends the process, nothing stays behind.
/// </summary>
internal sealed class SpillFile : IDisposable
{
    private const int WriteLength = 64 * 1024;

    // All runs are read at once when they are merged: their buffers share this.
    private const int ReadBytes = 4 * 1024 * 1024;

    private readonly SafeFileHandle _handle;
    private readonly string _directory = Path.GetTempPath();
    private readonly List<long> _ends = [];
    private readonly byte[] _buffer = new byte[WriteLength];
    private int _used;

    internal SpillFile()
    {
        string path = Path.Combine(_directory, $"interceptor-{Guid.NewGuid():N}");
        try
        {
            _handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Explain(exception);
        }
    }

    internal long Length { get; private set; }

    internal void WriteRun(byte[] packed, List<PackedPlace> places)
    {
        foreach (PackedPlace place in CollectionsMarshal.AsSpan(places))
        {
            if (_buffer.Length - _used < FileRun.HeaderLength + place.Length)
            {
                Flush();
            }

            BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(_used), place.Id);
            BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(_used + 4), place.Length);
            packed.AsSpan(place.Offset, place.Length).CopyTo(_buffer.AsSpan(_used + FileRun.HeaderLength));
            _used += FileRun.HeaderLength + place.Length;
        }

        Flush();
        _ends.Add(Length);
    }

    internal IEnumerable<ConnectionRun> OpenRuns()
    {
        int bufferLength = Math.Clamp(ReadBytes / Math.Max(1, _ends.Count), 2 * (FileRun.HeaderLength + PackedReport<TcpConnectionReport>.MaximumLength), WriteLength);
        long start = 0;
        foreach (long end in _ends)
        {
            yield return new FileRun(_handle, start, end, bufferLength);
            start = end;
        }
    }

    public void Dispose() => _handle.Dispose();

    private void Flush()
    {
        try
        {
            RandomAccess.Write(_handle, _buffer.AsSpan(0, _used), Length);
        }
        catch (IOException exception)
        {
            throw Explain(exception);
        }

        Length += _used;
        _used = 0;
    }

    private IOException Explain(Exception exception) => new(
        $"finished connections can't be put aside in a file in {Printable.Escape(_directory)}: {exception.Message} Set TMPDIR to a directory with room.", exception);
}
