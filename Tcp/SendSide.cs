using Interceptor.Packets;

namespace Interceptor.Tcp;

/// <summary>The send variables of one end (RFC 9293, 3.3.1): plain data, copied freely. The queue itself is <see cref="WriteQueue"/>.</summary>
public record struct SendSide
{
    /// <summary>Initial send sequence number; null where the SYN was not seen.</summary>
    public SequenceNumber? Iss { get; set; }

    /// <summary>Oldest number not acknowledged.</summary>
    public SequenceNumber SndUna { get; set; }

    /// <summary>Next number to send.</summary>
    public SequenceNumber SndNxt { get; set; }

    /// <summary>The peer's window, bytes, scaled.</summary>
    public uint SndWnd { get; set; }

    /// <summary>Sequence number of the segment that last updated <see cref="SndWnd"/>.</summary>
    public SequenceNumber SndWl1 { get; set; }

    /// <summary>Largest window the peer advertised, bytes.</summary>
    public uint MaxWindow { get; set; }

    /// <summary>
    /// SND.UP: the number behind the last urgent byte that this end announced; null until it did. Linux (without tcp_stdurg) takes the one byte before it out of
    /// the stream that its application reads; here it stays in the stream.
    /// </summary>
    public SequenceNumber? SndUp { get; set; }

    /// <summary>How often <see cref="SndUp"/> moved.</summary>
    public int UrgentMarks { get; set; }

    /// <summary>Acknowledgments in a row that repeated <see cref="SndUna"/> while data was in flight.</summary>
    public int DuplicateAcks { get; set; }
}
