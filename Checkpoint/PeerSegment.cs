using System.Diagnostics;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <summary>
/// A segment without data as the peer sent it once, given to a restored socket again: a FIN, or the acknowledgement of ours. The kernel has no other way into a state that
/// the peer's segments lead to.
/// <para>It goes through a raw socket and the loopback, so a socket that is bound to another device does not see it. Opened in the connection's network namespace; then
/// threads: any, one at a time.</para>
/// </summary>
internal sealed class PeerSegment : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(200);

    private readonly FileDescriptor _socket;
    private readonly TcpSnapshot _snapshot;
    private readonly string _subject;

    /// <param name="snapshot">The connection.</param>
    /// <param name="mark">The firewall mark by which the connection's lock lets it pass.</param>
    /// <param name="subject">The connection, for messages.</param>
    /// <exception cref="LinuxException">EPERM without CAP_NET_RAW.</exception>
    internal PeerSegment(TcpSnapshot snapshot, uint mark, string subject)
    {
        _snapshot = snapshot;
        _subject = subject;
        _socket = PacketSocket.OpenRawIp(snapshot.Local.Address.Version, mark);
    }

    /// <summary>True for a state that some segment of the peer leads to.</summary>
    internal static bool IsNeededFor(TcpState state) => state.HasPeerFin() || state == TcpState.FinWait2;

    /// <summary>Sends it and waits until the socket is in the state that it leads to.</summary>
    /// <param name="fd">The restored socket.</param>
    /// <param name="isFin">A FIN behind all that was received; otherwise an acknowledgement of all that was sent.</param>
    /// <param name="state">Where it leads.</param>
    /// <exception cref="CheckpointException">The socket did not get there.</exception>
    /// <exception cref="LinuxException">The segment could not be sent.</exception>
    internal void Deliver(FileDescriptor fd, bool isFin, TcpState state)
    {
        int errno = PacketSocket.SendRawIp(_socket, _snapshot.Local.Address.Version, Build(isFin));
        if (errno != 0)
        {
            throw new LinuxException(errno, "send the peer's segment again", _subject);
        }

        long start = Stopwatch.GetTimestamp();
        while (!IsThere(StateOf(fd), state))
        {
            if (Stopwatch.GetElapsedTime(start) > Patience)
            {
                throw new CheckpointException(
                    "restore (state)",
                    $"{_subject} is {StateOf(fd).ToRfcName()} and not {state.ToRfcName()}: the {(isFin ? "FIN" : "acknowledgement")} that leads there was sent to it "
                    + "through the loopback and did not arrive. A firewall rule or a device that the socket is bound to keeps it away.",
                    "The image is unchanged: the restore can be tried again.");
            }

            Thread.Yield();
        }
    }

    public void Dispose() => _socket.Dispose();

    private byte[] Build(bool isFin) => Build(
        _snapshot, _snapshot.RcvNxt - (_snapshot.State.HasPeerFin() ? 1 : 0), isFin ? _snapshot.SndUna : _snapshot.WriteSeq, [], isFin);

    /// <summary>A connection that goes on already may be further: the peer's own FIN came first, or it has acknowledged ours.</summary>
    private static bool IsThere(TcpState state, TcpState wanted) =>
        state == wanted || (wanted == TcpState.Closing && state is TcpState.LastAck or TcpState.TimeWait or TcpState.Closed);

    /// <summary>Without options: the kernel takes such segments also where timestamps were agreed on.</summary>
    internal static byte[] Build(TcpSnapshot snapshot, SequenceNumber sequence, SequenceNumber acknowledgment, ReadOnlySpan<byte> text, bool isFin)
    {
        var builder = new PacketBuilder();
        (FlowEndpoint from, FlowEndpoint to) = (snapshot.Peer, snapshot.Local);
        _ = from.Address.IsIpv4 ? builder.Ipv4(from.Address, to.Address) : builder.Ipv6(from.Address, to.Address);
        ushort window = (ushort)Math.Min(snapshot.SndWnd >> snapshot.SndWindowScale, ushort.MaxValue);
        return builder.Tcp(from.Port, to.Port, sequence, acknowledgment, isFin ? TcpFlags.Fin | TcpFlags.Ack : TcpFlags.Ack, window).Payload(text).ToArray();
    }

    private TcpState StateOf(FileDescriptor fd) =>
        (TcpState)NativeSocket.GetStruct<Libc.tcp_info>(fd, Libc.IPPROTO_TCP, Libc.TCP_INFO, "getsockopt(TCP_INFO)", _subject).tcpi_state;
}
