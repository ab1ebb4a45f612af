namespace Interceptor.Tcp;

/// <summary>What can happen to one end of a connection that an observer sees: it sends something, or something reaches it.</summary>
public enum TcpEvent : byte
{
    /// <summary>It sent a SYN without ACK.</summary>
    SendSyn,

    /// <summary>It sent a SYN with ACK.</summary>
    SendSynAck,

    /// <summary>A SYN without ACK reached it.</summary>
    ReceiveSyn,

    /// <summary>A SYN that acknowledges its own SYN reached it.</summary>
    ReceiveSynAck,

    /// <summary>Its SYN was acknowledged by a segment without SYN.</summary>
    ReceiveAckOfSyn,

    /// <summary>It sent a FIN.</summary>
    SendFin,

    /// <summary>The peer's FIN reached it in order.</summary>
    ReceiveFin,

    /// <summary>Its FIN was acknowledged.</summary>
    ReceiveAckOfFin,

    /// <summary>It sent a RST that its peer had to accept.</summary>
    SendReset,

    /// <summary>A RST that it has to accept reached it.</summary>
    ReceiveReset,

    /// <summary>A segment of a connection whose beginning was not seen left it or reached it.</summary>
    SeeMidstream,

    /// <summary>Twice the maximum segment lifetime passed.</summary>
    TimeWaitExpires,
}
