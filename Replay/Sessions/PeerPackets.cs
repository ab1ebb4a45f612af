using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Checkpoint;
using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tcp.Rebuild;

namespace Interceptor.Replay;

/// <summary>
/// What a capture has of a connection that its image has not: the peer's bytes beyond what was received in order. The kernel gives its out-of-order data to nobody, and has told the peer
/// that it has it; and what came between checkpoint and restore was dropped. A capture that ran meanwhile has both, and the peer need not send it again.
/// </summary>
public static class PeerPackets
{
    /// <summary>Reads the capture to its end; one that ends inside a packet, as its writer still runs, as far as it goes.</summary>
    /// <param name="source">The capture; stays the caller's.</param>
    /// <param name="snapshot">The socket as it was taken.</param>
    /// <returns>Packets for <see cref="SessionImage.HeldPackets"/>, in the capture's order.</returns>
    /// <exception cref="CaptureFileException">The capture is damaged.</exception>
    public static IReadOnlyList<HeldSessionPacket> Read(CaptureFileReader source, TcpSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(snapshot);
        var flow = new FlowKey(snapshot.Peer, snapshot.Local, (byte)IpProtocol.Tcp);
        var found = new List<(long At, RebuiltSegment Segment)>();
        long? latest = null;
        while (TryRead(source, out CapturedPacket packet))
        {
            PacketView view = packet.Parse();
            if (!view.TryGetFlow(out FlowKey key) || key != flow || !view.TryGetTcp(out TcpView tcp))
            {
                continue;
            }

            if ((tcp.Flags & (TcpFlags.Syn | TcpFlags.Rst)) != 0)
            {
                // Another connection of the same ends begins, or this one had ended.
                found.Clear();
                latest = null;
                continue;
            }

            // Numbers come round every 4 GiB: which round a packet belongs to is known from those before it.
            latest = latest is { } before ? before + unchecked((int)(tcp.Sequence.Value - (uint)before)) : tcp.Sequence.Value;
            bool isFin = (tcp.Flags & TcpFlags.Fin) != 0;
            if (!view.IsTruncated && MayBeLacking(snapshot, tcp.Sequence, view.Payload.Length + (isFin ? 1 : 0)))
            {
                found.Add((latest.Value, new RebuiltSegment(tcp.Sequence, view.Payload.ToArray(), isFin, packet.Metadata.Timestamp)));
            }
        }

        long expected = latest is { } last ? last + unchecked((int)(snapshot.RcvNxt.Value - (uint)last)) : 0;
        return
        [
            .. found.Where(segment => Math.Abs(segment.At - expected) < int.MaxValue).SelectMany(segment => CapturedSession.PacketsOf(segment.Segment, snapshot)),
        ];
    }

    private static bool MayBeLacking(TcpSnapshot snapshot, SequenceNumber start, int length) =>
        !snapshot.FinReceived && start + length > snapshot.RcvNxt && start < snapshot.RcvWup + (int)Math.Min(snapshot.RcvWnd, int.MaxValue) && length > 0;

    private static bool TryRead(CaptureFileReader source, out CapturedPacket packet)
    {
        try
        {
            return source.TryRead(out packet);
        }
        catch (CaptureFileException exception) when (exception.Fault == CaptureFileFault.Truncated)
        {
            packet = default;
            return false;
        }
    }
}
