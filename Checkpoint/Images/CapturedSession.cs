using System.Security.Cryptography;
using Interceptor.Tcp;
using Interceptor.Tcp.Rebuild;

namespace Interceptor.Checkpoint;

/// <summary>A socket that was rebuilt from packets as a session image: what no packet tells has the defaults of a new socket.</summary>
public static class CapturedSession
{
    // Linux' defaults (net.ipv4.tcp_rmem and tcp_wmem), as getsockopt gives them.
    private const int DefaultReceiveBuffer = 131_072;
    private const int DefaultSendBuffer = 16_384;
    private const int MaxReceiveBuffer = 1 << 29;

    // Fits any link: IPv6 asks for 1,280 bytes.
    private const int MaxSegmentText = 1_200;

    /// <summary>The image. The restore gives the socket back what came beyond a gap, as packets that were held.</summary>
    public static SessionImage ToImage(RebuiltSocket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        TcpSnapshot snapshot = socket.Snapshot;
        return new SessionImage
        {
            Id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4)),
            Source = SessionSource.Capture,
            Assumed = socket.Assumed,
            Snapshot = snapshot,
            ReceiveQueue = socket.ReceiveQueue,
            SendQueue = socket.SendQueue,
            Settings = new SocketSettings
            {
                IsIpv6Socket = !snapshot.Local.Address.IsIpv4,
                ReceiveBuffer = ReceiveBufferFor(snapshot),
                SendBuffer = Math.Max(DefaultSendBuffer, 2 * socket.SendQueue.Length),
            },
            Counters = new SessionCounters
            {
                BytesReceived = (ulong)socket.BytesReceived,
                BytesAcked = (ulong)socket.BytesAcked,
                RttMicroseconds = (uint)Math.Min(socket.SmoothedRoundTrip / 1_000, uint.MaxValue),
                Retransmissions = (uint)Math.Min(socket.Retransmissions, uint.MaxValue),
            },
            MicrosecondTimestamps = socket.MicrosecondTimestamps,
            HadEcn = socket.HadEcn,
            CutAt = socket.At,
            HeldPackets = [.. socket.OutOfOrder.SelectMany(segment => PacketsOf(segment, snapshot))],
            Warnings = socket.HadEcn ? [.. socket.Warnings, SessionImage.EcnWarning] : socket.Warnings,
        };
    }

    // The kernel offers about half of a buffer as window; what was offered must fit.
    private static int ReceiveBufferFor(TcpSnapshot snapshot) =>
        (int)Math.Clamp(2 * ((long)snapshot.RcvWnd + snapshot.UnreadBytes), DefaultReceiveBuffer, MaxReceiveBuffer);

    /// <summary>Packets that give a socket what it held back, or would have, each short enough for any path.</summary>
    internal static IEnumerable<HeldSessionPacket> PacketsOf(RebuiltSegment segment, TcpSnapshot snapshot)
    {
        int at = 0;
        do
        {
            ReadOnlyMemory<byte> text = segment.Text[at..Math.Min(at + MaxSegmentText, segment.Text.Length)];
            bool isLast = at + text.Length == segment.Text.Length;
            yield return new HeldSessionPacket(
                IsInbound: true, segment.At, ChecksumMissing: false,
                PeerSegment.Build(snapshot, segment.Start + at, snapshot.SndUna, text.Span, isLast && segment.Fin));
            at += text.Length;
        }
        while (at < segment.Text.Length);
    }
}
