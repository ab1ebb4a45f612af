using System.Text;

namespace Interceptor.Tcp;

/// <summary>The state machine of RFC 9293, 3.3.2, as an observer of the packets can follow it: one pure function.</summary>
public static class TcpTransitions
{
    /// <summary>The state after <paramref name="what"/> happened in <paramref name="state"/>; the same state where the event changes nothing.</summary>
    public static TcpState Next(TcpState state, TcpEvent what) => (state, what) switch
    {
        // A reset ends everything but an end that is not connected at all: a listener stays what it is.
        (TcpState.Listen, TcpEvent.ReceiveReset) => TcpState.Listen,
        (_, TcpEvent.SendReset or TcpEvent.ReceiveReset) => TcpState.Closed,

        // An active open.
        (TcpState.Unknown or TcpState.Closed or TcpState.Listen, TcpEvent.SendSyn) => TcpState.SynSent,

        // A passive open: the listener makes the connection as soon as the SYN reaches it.
        (TcpState.Unknown or TcpState.Closed or TcpState.Listen, TcpEvent.ReceiveSyn) => TcpState.SynReceived,

        // A SYN-ACK whose SYN was not captured: its sender was listening.
        (TcpState.Unknown or TcpState.Closed or TcpState.Listen, TcpEvent.SendSynAck) => TcpState.SynReceived,

        // Both ends opened at once: each SYN crosses the other (RFC 9293, figure 8).
        (TcpState.SynSent, TcpEvent.ReceiveSyn) => TcpState.SynReceived,

        // The active opener has both SYNs acknowledged: its own by this segment, the peer's by its next one.
        (TcpState.Unknown or TcpState.SynSent, TcpEvent.ReceiveSynAck) => TcpState.Established,

        // In a simultaneous open the acknowledgment comes with a second copy of the peer's SYN.
        (TcpState.SynReceived, TcpEvent.ReceiveSynAck) => TcpState.Established,

        // The passive opener's SYN is acknowledged: the third segment of the handshake.
        (TcpState.SynReceived, TcpEvent.ReceiveAckOfSyn) => TcpState.Established,

        // A connection whose handshake was not captured: some segment of it proves that it exists.
        (TcpState.Unknown, TcpEvent.SeeMidstream) => TcpState.Established,

        // The application closed first. From SYN-RECEIVED too: the RFC lets a FIN follow the SYN before its acknowledgment.
        (TcpState.Established or TcpState.SynReceived, TcpEvent.SendFin) => TcpState.FinWait1,

        // The peer closed first. Where the acknowledgment of our SYN was not captured, the FIN stands for it.
        (TcpState.Established or TcpState.SynReceived, TcpEvent.ReceiveFin) => TcpState.CloseWait,

        // The application closed after its peer.
        (TcpState.CloseWait, TcpEvent.SendFin) => TcpState.LastAck,

        // Our FIN is acknowledged, the peer may go on sending.
        (TcpState.FinWait1, TcpEvent.ReceiveAckOfFin) => TcpState.FinWait2,

        // Both FINs crossed: ours is not acknowledged yet.
        (TcpState.FinWait1, TcpEvent.ReceiveFin) => TcpState.Closing,

        // The peer's FIN after ours was acknowledged: wait for segments that are still about.
        (TcpState.FinWait2, TcpEvent.ReceiveFin) => TcpState.TimeWait,

        // The acknowledgment that a simultaneous close waited for.
        (TcpState.Closing, TcpEvent.ReceiveAckOfFin) => TcpState.TimeWait,

        // The passive closer's FIN is acknowledged: nothing is left.
        (TcpState.LastAck, TcpEvent.ReceiveAckOfFin) => TcpState.Closed,

        // 2 MSL are over.
        (TcpState.TimeWait, TcpEvent.TimeWaitExpires) => TcpState.Closed,

        // Everything else is a repetition or out of place, and changes nothing.
        _ => state,
    };

    /// <summary>The whole function as a table, one line for each change; for people and for the golden file.</summary>
    public static string Describe()
    {
        var text = new StringBuilder();
        foreach (TcpState state in Enum.GetValues<TcpState>())
        {
            foreach (TcpEvent what in Enum.GetValues<TcpEvent>())
            {
                TcpState next = Next(state, what);
                if (next != state)
                {
                    text.Append(state.ToRfcName().PadRight(13)).Append(what.ToString().PadRight(17)).Append(next.ToRfcName()).Append('\n');
                }
            }
        }

        return text.ToString();
    }
}
