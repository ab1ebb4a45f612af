using Interceptor.Packets;

namespace Interceptor.Tcp;

/// <summary>The receive variables of one end (RFC 9293, 3.3.1): plain data, copied freely. The queue itself is <see cref="ReceiveQueue"/>.</summary>
public record struct ReceiveSide
{
    /// <summary>Initial receive sequence number; null where the peer's SYN was not seen.</summary>
    public SequenceNumber? Irs { get; set; }

    /// <summary>Next number expected.</summary>
    public SequenceNumber RcvNxt { get; set; }

    /// <summary>The window as this end last advertised it, bytes, scaled; null until it did.</summary>
    public uint? RcvWnd { get; set; }

    /// <summary>The acknowledgment number of that segment: the window's left edge.</summary>
    public SequenceNumber RcvWup { get; set; }

    /// <summary>The peer's latest timestamp (ts_recent, RFC 7323); null until one was seen.</summary>
    public uint? TimestampRecent { get; set; }

    /// <summary>RCV.UP: the number behind the last urgent byte that the peer announced in a segment that was taken; null until it did.</summary>
    public SequenceNumber? RcvUp { get; set; }
}
