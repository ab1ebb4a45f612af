namespace Interceptor.Capture.Files;

/// <summary>A stream whose first bytes were already read: gives them back first. Read-only, forward-only.</summary>
internal sealed class PrependedStream(byte[] head, Stream tail) : ForwardReadStream(tail)
{
    private int _given;

    /// <summary>True once the underlying stream said that it is at its end.</summary>
    internal bool Ended { get; private set; }

    /// <summary>Bytes given so far.</summary>
    internal long BytesRead { get; private set; }

    public override int Read(Span<byte> buffer)
    {
        if (_given < head.Length)
        {
            int count = Math.Min(buffer.Length, head.Length - _given);
            head.AsSpan(_given, count).CopyTo(buffer);
            _given += count;
            BytesRead += count;
            return count;
        }

        int read = Inner.Read(buffer);
        BytesRead += read;
        Ended |= read == 0 && buffer.Length > 0;
        return read;
    }
}
