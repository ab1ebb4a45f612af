namespace Interceptor.Tcp.Breakpoints;

/// <summary>A number of a segment that a breakpoint compares.</summary>
public enum BreakpointNumber
{
    /// <summary>The first sequence number, from the sender's first: 0 is its SYN, 1 its first byte.</summary>
    Seq,

    /// <summary>The acknowledged number, from the peer's first.</summary>
    Ack,

    /// <summary>The window, bytes, scaled as far as the handshake was seen.</summary>
    Window,

    /// <summary>Payload bytes.</summary>
    Len,
}
