namespace Interceptor.Replay.Stateful;

/// <summary>The bytes that a stream is compared with.</summary>
internal interface IExpectedBytes
{
    /// <summary>How many there are.</summary>
    long Length { get; }

    /// <summary>Reads bytes from <paramref name="offset"/> on; fewer than asked for where what is known begins or ends, 0 at the end.</summary>
    /// <param name="offset">Where in the stream.</param>
    /// <param name="destination">Takes them; untouched where they are not known.</param>
    /// <param name="isKnown">False: so many bytes were there, and nobody knows which.</param>
    int Read(long offset, Span<byte> destination, out bool isKnown);

    /// <summary>Reads as many bytes as there are, up to the first that is not known.</summary>
    int ReadKnown(long offset, Span<byte> destination)
    {
        int length = 0;
        while (length < destination.Length)
        {
            int count = Read(offset + length, destination[length..], out bool isKnown);
            if (count == 0 || !isKnown)
            {
                break;
            }

            length += count;
        }

        return length;
    }

    /// <summary>Number of the packet that carried the byte (or the last byte, for an offset at the end); null where there is none.</summary>
    long? PacketAt(long offset);
}
