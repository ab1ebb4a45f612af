using Interceptor.Packets;

namespace Interceptor.Tcp.Breakpoints;

/// <summary>
/// What a <see cref="Breakpoint"/> is asked about: a packet, and what its connection tells of it. A packet that is no TCP has nothing but its payload.
/// Borrows the payload.
/// </summary>
public readonly ref struct BreakpointSubject
{
    /// <summary>It is a TCP segment.</summary>
    public bool IsTcp { get; init; }

    /// <summary>The control bits.</summary>
    public TcpFlags Flags { get; init; }

    /// <summary>The window as it stands in the header.</summary>
    public ushort WindowField { get; init; }

    /// <summary>The window, bytes, scaled as far as is known.</summary>
    public long Window { get; init; }

    /// <summary>The first number, from the sender's first.</summary>
    public long Sequence { get; init; }

    /// <summary>The acknowledged number, from the peer's first; meaningful with ACK.</summary>
    public long Acknowledgment { get; init; }

    /// <summary>It is sent again.</summary>
    public bool IsRetransmission { get; init; }

    /// <summary>It comes behind what was sent after it.</summary>
    public bool IsOutOfOrder { get; init; }

    /// <summary>Payload bytes on the wire.</summary>
    public int Length { get; init; }

    /// <summary>The payload as captured.</summary>
    public ReadOnlySpan<byte> Payload { get; init; }
}
