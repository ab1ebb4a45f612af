namespace Interceptor.Tcp.Breakpoints;

/// <summary>A condition of a breakpoint that is a word alone.</summary>
public enum BreakpointEvent
{
    /// <summary>SYN is set.</summary>
    Syn,

    /// <summary>FIN is set.</summary>
    Fin,

    /// <summary>RST is set.</summary>
    Rst,

    /// <summary>PSH is set.</summary>
    Psh,

    /// <summary>ACK is set.</summary>
    Ack,

    /// <summary>URG is set.</summary>
    Urg,

    /// <summary>The sender closes its window: a window of 0, not on a SYN or RST, whose windows close nothing.</summary>
    ZeroWindow,

    /// <summary>All or some of its numbers were seen before: it is sent again.</summary>
    Retransmission,

    /// <summary>It comes behind some of what was sent after it.</summary>
    OutOfOrder,
}
