namespace Interceptor.Tcp;

/// <summary>The states of RFC 9293, 3.3.2, with the numbers of Linux (include/net/tcp_states.h).</summary>
public enum TcpState : byte
{
    /// <summary>Nothing is known.</summary>
    Unknown = 0,

    /// <summary>ESTABLISHED.</summary>
    Established = 1,

    /// <summary>SYN-SENT.</summary>
    SynSent = 2,

    /// <summary>SYN-RECEIVED.</summary>
    SynReceived = 3,

    /// <summary>FIN-WAIT-1.</summary>
    FinWait1 = 4,

    /// <summary>FIN-WAIT-2.</summary>
    FinWait2 = 5,

    /// <summary>TIME-WAIT.</summary>
    TimeWait = 6,

    /// <summary>CLOSED.</summary>
    Closed = 7,

    /// <summary>CLOSE-WAIT.</summary>
    CloseWait = 8,

    /// <summary>LAST-ACK.</summary>
    LastAck = 9,

    /// <summary>LISTEN.</summary>
    Listen = 10,

    /// <summary>CLOSING.</summary>
    Closing = 11,
}

/// <summary>Names of the states as people write them.</summary>
public static class TcpStateNames
{
    /// <summary>The RFC's spelling, as <c>FIN-WAIT-1</c>.</summary>
    public static string ToRfcName(this TcpState state) => state switch
    {
        TcpState.Established => "ESTABLISHED",
        TcpState.SynSent => "SYN-SENT",
        TcpState.SynReceived => "SYN-RECEIVED",
        TcpState.FinWait1 => "FIN-WAIT-1",
        TcpState.FinWait2 => "FIN-WAIT-2",
        TcpState.TimeWait => "TIME-WAIT",
        TcpState.Closed => "CLOSED",
        TcpState.CloseWait => "CLOSE-WAIT",
        TcpState.LastAck => "LAST-ACK",
        TcpState.Listen => "LISTEN",
        TcpState.Closing => "CLOSING",
        _ => "UNKNOWN",
    };
}
