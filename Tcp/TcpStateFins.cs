namespace Interceptor.Tcp;

/// <summary>Which FINs a state stands for. A FIN occupies a sequence number: ours is in WriteSeq, the peer's in RcvNxt.</summary>
public static class TcpStateFins
{
    /// <summary>This end has ended its stream: its FIN is queued, sent or acknowledged.</summary>
    public static bool HasOwnFin(this TcpState state) =>
        state is TcpState.FinWait1 or TcpState.FinWait2 or TcpState.Closing or TcpState.LastAck or TcpState.TimeWait;

    /// <summary>The peer has ended its stream, and its FIN came in order.</summary>
    public static bool HasPeerFin(this TcpState state) => state is TcpState.CloseWait or TcpState.Closing or TcpState.LastAck or TcpState.TimeWait;
}
