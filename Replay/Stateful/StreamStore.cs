using Interceptor.Interop;
using Microsoft.Win32.SafeHandles;

namespace Interceptor.Replay.Stateful;

/// <summary>
/// The bytes of all streams of a capture, in a temporary file without a name: memory holds 256 KiB of them. Bytes are added at the end and read anywhere.
/// <para>Threads: one at a time.</para>
/// </summary>
internal sealed class StreamStore : IDisposable
{
    private const int BufferLength = 256 * 1024;

    private readonly SafeFileHandle _handle = UnlinkedFile.Open();
    private readonly byte[] _buffer = new byte[BufferLength];
    private long _written;
    private int _used;

    /// <summary>Bytes in it.</summary>
    internal long Length => _written + _used;

    /// <summary>Adds bytes; returns where they begin.</summary>
    /// <exception cref="IOException">The file can't take them.</exception>
    internal long Append(ReadOnlySpan<byte> data)
    {
        long start = Length;
        while (!data.IsEmpty)
        {
            if (_used == _buffer.Length)
            {
                WriteOut();
            }

            int part = Math.Min(data.Length, _buffer.Length - _used);
            data[..part].CopyTo(_buffer.AsSpan(_used));
            _used += part;
            data = data[part..];
        }

        return start;
    }

    /// <summary>Reads bytes that were added.</summary>
    internal void Read(long start, Span<byte> destination)
    {
        if (start + destination.Length > _written)
        {
            WriteOut();
        }

        while (!destination.IsEmpty)
        {
            int count = RandomAccess.Read(_handle, destination, start);
            if (count == 0)
            {
                throw new EndOfStreamException("the temporary file of the streams is shorter than what was written to it.");
            }

            start += count;
            destination = destination[count..];
        }
    }

    public void Dispose() => _handle.Dispose();

    private void WriteOut()
    {
        try
        {
            RandomAccess.Write(_handle, _buffer.AsSpan(0, _used), _written);
        }
        catch (IOException exception)
        {
            throw UnlinkedFile.Explain(exception);
        }

        _written += _used;
        _used = 0;
    }
}
