namespace Interceptor.Tcp;

/// <summary>What a state stands for: which FINs there were. A FIN occupies a sequence number: ours is in WriteSeq, the peer's in RcvNxt.</summary>
public static class TcpStateFins
{
    /// <summary>This end has ended its stream: its FIN is queued, sent or acknowledged.</summary>
    public static bool HasOwnFin(this TcpState state) =>
        state is TcpState.FinWait1 or TcpState.FinWait2 or TcpState.Closing or TcpState.LastAck or TcpState.TimeWait;

    /// <summary>The peer has ended its stream, and its FIN came in order.</summary>
    public static bool HasPeerFin(this TcpState state) => state is TcpState.CloseWait or TcpState.Closing or TcpState.LastAck or TcpState.TimeWait;

    /// <summary>Both ends know each other's numbers: ESTABLISHED and what comes behind it, up to the end (RFC 9293, 3.3.2).</summary>
    public static bool IsSynchronized(this TcpState state) => state is TcpState.Established or TcpState.FinWait1 or TcpState.FinWait2 || state.HasPeerFin();
}
