using Interceptor.Packets;

namespace Interceptor.Tcp;

/// <summary>How much of a snapshot is known rather than inferred.</summary>
public enum SnapshotConfidence
{
    /// <summary>From the kernel, or from packets since the handshake.</summary>
    Exact,

    /// <summary>From packets of a connection whose beginning was not seen: scale, MSS and options are guesses.</summary>
    Assumed,
}

/// <summary>
/// One end of a TCP connection at one instant: plain data, the same whether the kernel or the packets said it, so that the two can be
/// compared field by field. Names are RFC 9293's and Linux's. <c>SndUna &lt;= SndNxt &lt;= WriteSeq</c> and <c>CopiedSeq &lt;= RcvNxt</c> always.
/// A FIN occupies a sequence number and no byte: the byte counts leave it out.
/// </summary>
public sealed record TcpSnapshot
{
    /// <summary>This end.</summary>
    public required FlowEndpoint Local { get; init; }

    /// <summary>The other end.</summary>
    public required FlowEndpoint Peer { get; init; }

    /// <summary>State of this end.</summary>
    public required TcpState State { get; init; }

    /// <summary>How the fields came about.</summary>
    public SnapshotConfidence Confidence { get; init; }

    /// <summary>Oldest sequence number not yet acknowledged by the peer.</summary>
    public SequenceNumber SndUna { get; init; }

    /// <summary>Next sequence number to be sent: the send head's.</summary>
    public SequenceNumber SndNxt { get; init; }

    /// <summary>Sequence number behind the last byte (or FIN) the application wrote. From packets alone it is <see cref="SndNxt"/>.</summary>
    public SequenceNumber WriteSeq { get; init; }

    /// <summary>The peer's window in bytes, scaled.</summary>
    public uint SndWnd { get; init; }

    /// <summary>Sequence number of the segment that last updated <see cref="SndWnd"/>.</summary>
    public SequenceNumber SndWl1 { get; init; }

    /// <summary>Largest window the peer ever advertised, in bytes.</summary>
    public uint MaxWindow { get; init; }

    /// <summary>Next sequence number expected from the peer.</summary>
    public SequenceNumber RcvNxt { get; init; }

    /// <summary>Sequence number of the next byte the application will read. From packets alone it is <see cref="RcvNxt"/>.</summary>
    public SequenceNumber CopiedSeq { get; init; }

    /// <summary>Our window in bytes as last advertised, scaled.</summary>
    public uint RcvWnd { get; init; }

    /// <summary><see cref="RcvNxt"/> when we last advertised a window: the window's right edge is this plus <see cref="RcvWnd"/>.</summary>
    public SequenceNumber RcvWup { get; init; }

    /// <summary>Segment size limit the peer announced (the kernel's mss_clamp).</summary>
    public int MssClamp { get; init; }

    /// <summary>Shift of the windows the peer sends us, 0 to 14.</summary>
    public int SndWindowScale { get; init; }

    /// <summary>Shift of the windows we send, 0 to 14.</summary>
    public int RcvWindowScale { get; init; }

    /// <summary>Both ends agreed on window scaling.</summary>
    public bool WindowScaling { get; init; }

    /// <summary>Both ends agreed on SACK.</summary>
    public bool SackPermitted { get; init; }

    /// <summary>Both ends agreed on timestamps.</summary>
    public bool Timestamps { get; init; }

    /// <summary>Our timestamp clock's value at the instant of the snapshot; 0 without timestamps.</summary>
    public uint TimestampValue { get; init; }

    /// <summary>The peer's latest timestamp (ts_recent); 0 where unknown.</summary>
    public uint TimestampRecent { get; init; }

    /// <summary>Bytes received beyond a gap.</summary>
    public int OutOfOrderBytes { get; init; }

    /// <summary>True once our FIN is part of <see cref="WriteSeq"/>.</summary>
    public bool FinQueued { get; init; }

    /// <summary>True once the peer has acknowledged our FIN.</summary>
    public bool IsFinAcknowledged => FinQueued && SndUna == WriteSeq;

    /// <summary>True once the peer's FIN is part of <see cref="RcvNxt"/>.</summary>
    public bool FinReceived { get; init; }

    /// <summary>Bytes written and not acknowledged: the kernel's SIOCOUTQ less a FIN.</summary>
    public int QueuedBytes => Math.Max(0, WriteSeq - SndUna - FinLength(WriteSeq > SndUna) - (State is TcpState.SynSent or TcpState.SynReceived ? 1 : 0));

    /// <summary>Bytes written and not sent: SIOCOUTQNSD less a FIN.</summary>
    public int UnsentBytes => Math.Max(0, WriteSeq - SndNxt - FinLength(WriteSeq > SndNxt));

    /// <summary>Bytes sent and not acknowledged.</summary>
    public int InFlightBytes => QueuedBytes - UnsentBytes;

    /// <summary>Bytes received in order that the application has not read: SIOCINQ.</summary>
    public int UnreadBytes => Math.Max(0, RcvNxt - CopiedSeq - (FinReceived ? 1 : 0));

    private int FinLength(bool isOpen) => FinQueued && isOpen ? 1 : 0;
}
