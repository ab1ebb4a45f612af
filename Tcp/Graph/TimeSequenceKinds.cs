namespace Interceptor.Tcp.Graph;

/// <summary>What is special about a segment of a time-sequence picture; bits.</summary>
[Flags]
public enum TimeSequenceKinds
{
    /// <summary>New data, or nothing but a flag.</summary>
    None = 0,

    /// <summary>It carries only what was sent before.</summary>
    Retransmission = 1,

    /// <summary>A retransmission of the oldest segment after duplicate acknowledgments.</summary>
    Fast = 2,

    /// <summary>A retransmission of what was already acknowledged.</summary>
    Spurious = 4,

    /// <summary>It fills a gap too soon after it appeared to be a retransmission.</summary>
    OutOfOrder = 8,

    /// <summary>A keep-alive or window probe: no byte, or one, just before the next number.</summary>
    KeepAlive = 16,

    /// <summary>It fills the peer's window to its end.</summary>
    WindowFull = 32,

    /// <summary>SYN is set.</summary>
    Syn = 64,

    /// <summary>FIN is set.</summary>
    Fin = 128,

    /// <summary>RST is set.</summary>
    Rst = 256,

    /// <summary>An acknowledgment that repeats the last one while data is in flight.</summary>
    DuplicateAck = 512,

    /// <summary>An acknowledgment that offers no window.</summary>
    ZeroWindow = 1024,
}
