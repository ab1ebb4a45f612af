using Interceptor.Packets;

namespace Interceptor.Tcp;

/// <summary>
/// Brings a snapshot up to what its socket sent behind the cut: until it is closed, a timer may still make it send (a loss probe, a repetition, a delayed acknowledgement, a paced or
/// corked segment), and such a packet, held, shows numbers, a window and a time that the snapshot does not know. Once the snapshot does, the packet may go out. Pure.
/// </summary>
public static class TcpSnapshotPatch
{
    /// <summary>
    /// The snapshot with what one packet of its own end tells: what was unsent and is in it counts as sent, the window as advertised, the clock as far as its timestamp. A packet
    /// that is not this socket's to send (a SYN, a reset, data or an acknowledgement beyond what the socket had) changes nothing, and neither does an older one.
    /// </summary>
    /// <param name="snapshot">The socket at the cut.</param>
    /// <param name="ipPacket">The packet from its IP header on.</param>
    /// <param name="originalLength">Its length in the kernel.</param>
    public static TcpSnapshot Apply(TcpSnapshot snapshot, ReadOnlySpan<byte> ipPacket, int originalLength)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        PacketView packet = PacketView.Parse(ipPacket, LinkType.Raw, originalLength);
        if (!packet.TryGetTcp(out TcpView tcp) || (tcp.Flags & (TcpFlags.Syn | TcpFlags.Rst)) != 0 || (tcp.Flags & TcpFlags.Ack) == 0)
        {
            return snapshot;
        }

        SequenceNumber end = tcp.Sequence + packet.PayloadLength + ((tcp.Flags & TcpFlags.Fin) != 0 ? 1 : 0);
        if (end > snapshot.WriteSeq || tcp.Acknowledgment > snapshot.RcvNxt)
        {
            return snapshot;
        }

        SequenceNumber rightEdge = Later(snapshot.RcvWup + (int)snapshot.RcvWnd, tcp.Acknowledgment + (tcp.WindowField << snapshot.RcvWindowScale));
        SequenceNumber windowUpdate = Later(snapshot.RcvWup, tcp.Acknowledgment);
        TcpOptionSummary options = snapshot.Timestamps ? TcpOptionSummary.Read(tcp) : default;
        bool isNewer = options.HasTimestamps && unchecked((int)(options.TimestampValue - snapshot.TimestampValue)) > 0;
        return snapshot with
        {
            SndNxt = Later(snapshot.SndNxt, end),
            RcvWup = windowUpdate,
            RcvWnd = (uint)(rightEdge - windowUpdate),
            TimestampValue = isNewer ? options.TimestampValue : snapshot.TimestampValue,
        };
    }

    private static SequenceNumber Later(SequenceNumber one, SequenceNumber other) => one > other ? one : other;
}
