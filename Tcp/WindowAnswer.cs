using Interceptor.Packets;

namespace Interceptor.Tcp;

/// <summary>
/// What answers a peer in the place of a socket that is not there: an acknowledgement of all that the socket had received, with a window of one's choice. With a window of zero the peer
/// is told that its data came and can't be taken now (RFC 9293, 3.8.6.1): it probes, as long as it is answered, and does not give up. Pure.
/// </summary>
public static class WindowAnswer
{
    private const int MaximumWindowField = ushort.MaxValue;

    /// <summary>
    /// True for a packet of the peer that a socket would answer at once: it has data or a FIN, or is older than what was received, as a window probe and a keepalive are. An answer to a
    /// bare acknowledgement would be answered in turn.
    /// </summary>
    /// <param name="snapshot">The socket.</param>
    /// <param name="ipPacket">The packet from its IP header on.</param>
    /// <param name="originalLength">Its length in the kernel.</param>
    /// <param name="timestampValue">The peer's time in it; 0 where it tells none.</param>
    public static bool IsDue(TcpSnapshot snapshot, ReadOnlySpan<byte> ipPacket, int originalLength, out uint timestampValue)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        timestampValue = 0;
        PacketView packet = PacketView.Parse(ipPacket, LinkType.Raw, originalLength);
        if (!packet.TryGetTcp(out TcpView tcp) || (tcp.Flags & (TcpFlags.Syn | TcpFlags.Rst)) != 0)
        {
            return false;
        }

        timestampValue = TcpOptionSummary.Read(tcp).TimestampValue;
        return packet.PayloadLength > 0 || (tcp.Flags & TcpFlags.Fin) != 0 || tcp.Sequence < snapshot.RcvNxt;
    }

    /// <summary>True for a reset that the socket would take: the peer is gone.</summary>
    public static bool IsEnd(TcpSnapshot snapshot, ReadOnlySpan<byte> ipPacket, int originalLength)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        PacketView packet = PacketView.Parse(ipPacket, LinkType.Raw, originalLength);
        return packet.TryGetTcp(out TcpView tcp) && (tcp.Flags & TcpFlags.Rst) != 0
            && tcp.Sequence >= snapshot.RcvNxt && tcp.Sequence <= snapshot.RcvWup + (int)snapshot.RcvWnd;
    }

    /// <summary>The answer, from its IP header on, its checksums filled in.</summary>
    /// <param name="snapshot">The socket.</param>
    /// <param name="window">In bytes; what the field can't say is rounded down.</param>
    /// <param name="timestampValue">The socket's clock now; left out without timestamps.</param>
    /// <param name="timestampEcho">The peer's last time; 0 for none.</param>
    public static byte[] Build(TcpSnapshot snapshot, uint window, uint timestampValue, uint timestampEcho)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var builder = new PacketBuilder();
        (FlowEndpoint from, FlowEndpoint to) = (snapshot.Local, snapshot.Peer);
        _ = from.Address.IsIpv4 ? builder.Ipv4(from.Address, to.Address) : builder.Ipv6(from.Address, to.Address);
        ushort field = (ushort)Math.Min(window >> snapshot.RcvWindowScale, MaximumWindowField);
        builder.Tcp(from.Port, to.Port, snapshot.SndNxt, snapshot.RcvNxt, TcpFlags.Ack, field);
        return snapshot.Timestamps ? builder.NoOperation().NoOperation().Timestamps(timestampValue, timestampEcho).ToArray() : builder.ToArray();
    }
}
