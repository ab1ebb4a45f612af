namespace Interceptor.Tcp;

/// <summary>What one end sent, counted. Plain data, copied freely.</summary>
public record struct TcpDirectionCounters
{
    /// <summary>Segments.</summary>
    public long Packets { get; set; }

    /// <summary>Payload bytes on the wire, repeated ones too.</summary>
    public long PayloadBytes { get; set; }

    /// <summary>Segments that carry only what was sent before, keep-alives left out; contains the fast and the spurious ones.</summary>
    public long Retransmissions { get; set; }

    /// <summary>Retransmissions of the oldest segment after two duplicate acknowledgments or more.</summary>
    public long FastRetransmissions { get; set; }

    /// <summary>Retransmissions of what was already acknowledged.</summary>
    public long SpuriousRetransmissions { get; set; }

    /// <summary>Segments that fill a gap too soon after it appeared to be retransmissions: the network changed their order.</summary>
    public long OutOfOrder { get; set; }

    /// <summary>Acknowledgments that repeat the last one while data is in flight.</summary>
    public long DuplicateAcks { get; set; }

    /// <summary>Segments that advertise no window.</summary>
    public long ZeroWindows { get; set; }

    /// <summary>Segments that fill the peer's window to its end.</summary>
    public long WindowFull { get; set; }

    /// <summary>Keep-alive probes: no byte, or one, just before the next number.</summary>
    public long KeepAlives { get; set; }

    /// <summary>Segments behind numbers that were not seen: the recording or the network lost what carried them, or it comes late.</summary>
    public long LostSegments { get; set; }

    /// <summary>Empty acknowledgments that repeat the last number and offer another window, not zero.</summary>
    public long WindowUpdates { get; set; }

    /// <summary>Probes of a closed window: no byte before the next number, or one at it.</summary>
    public long ZeroWindowProbes { get; set; }

    /// <summary>Segments with SYN.</summary>
    public long Syn { get; set; }

    /// <summary>Segments with FIN.</summary>
    public long Fin { get; set; }

    /// <summary>Segments with RST.</summary>
    public long Rst { get; set; }
}
