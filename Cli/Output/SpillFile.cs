using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Interceptor.Interop;
using Interceptor.Tcp;
using Microsoft.Win32.SafeHandles;

namespace Interceptor.Cli.Output;

/// <summary>
/// A temporary file for packed reports.
/// </summary>
internal sealed class SpillFile : IDisposable
{
    private const int WriteLength = 64 * 1024;

    // All runs are read at once when they are merged: their buffers share this.
    private const int ReadBytes = 4 * 1024 * 1024;

    private readonly SafeFileHandle _handle = UnlinkedFile.Open();
    private readonly List<long> _ends = [];
    private readonly byte[] _buffer = new byte[WriteLength];
    private int _used;

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
            throw UnlinkedFile.Explain(exception);
        }

        Length += _used;
        _used = 0;
    }
}
