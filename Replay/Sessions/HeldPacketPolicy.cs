using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Replay;

/// <summary>
/// Which of the packets that the old socket sent, and that were held, may still go out after the move: those that say nothing the new socket does not
/// know. Judged by content, so it does not matter whether they left before or after the cut; what is dropped is retransmitted.
/// </summary>
public static class HeldPacketPolicy
{
    /// <summary>
    /// True if every byte the packet shows is among those the image holds as sent, what it acknowledges is in the image, it promises no more window
    /// than the image does, and its timestamp is not newer than the image's clock at the cut (the new socket's is).
    /// </summary>
    /// <param name="ipPacket">The packet from its IP header on.</param>
    /// <param name="originalLength">Its length in the kernel.</param>
    /// <param name="snapshot">The socket at the cut.</param>
    public static bool MayGoOut(ReadOnlySpan<byte> ipPacket, int originalLength, TcpSnapshot snapshot)
    {
        PacketView packet = PacketView.Parse(ipPacket, LinkType.Raw, originalLength);
        if (!packet.TryGetTcp(out TcpView tcp) || (tcp.Flags & (TcpFlags.Syn | TcpFlags.Rst)) != 0 || (tcp.Flags & TcpFlags.Ack) == 0)
        {
            return false;
        }

        // A FIN that the image holds as sent is one of its numbers.
        SequenceNumber end = tcp.Sequence + packet.PayloadLength + ((tcp.Flags & TcpFlags.Fin) != 0 ? 1 : 0);
        SequenceNumber windowEnd = tcp.Acknowledgment + (tcp.WindowField << snapshot.RcvWindowScale);
        bool isOld = end <= snapshot.SndNxt && tcp.Acknowledgment <= snapshot.RcvNxt && windowEnd <= snapshot.RcvWup + (int)snapshot.RcvWnd;
        if (!isOld || !snapshot.Timestamps)
        {
            return isOld;
        }

        TcpOptionSummary options = TcpOptionSummary.Read(tcp);
        return options.HasTimestamps && unchecked((int)(options.TimestampValue - snapshot.TimestampValue)) <= 0;
    }
}
