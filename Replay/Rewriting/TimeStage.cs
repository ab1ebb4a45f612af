using Interceptor.Capture;
using Interceptor.Packets;

namespace Interceptor.Replay.Rewriting;

/// <summary>Changes the instants of packets. A packet without a time stays without one.</summary>
/// <param name="source">What comes before; its first packet is the one that gaps are counted from.</param>
/// <param name="change">How.</param>
public sealed class TimeStage(IPacketSource source, TimeChange change) : RewriteStage(source)
{
    private CaptureTimestamp? _first;

    /// <inheritdoc/>
    public override bool TryRead(out CapturedPacket packet)
    {
        if (!Source.TryRead(out packet))
        {
            return false;
        }

        if (packet.Metadata.HasTimestamp)
        {
            CaptureTimestamp at = packet.Metadata.Timestamp;
            packet = new CapturedPacket(packet.Data, packet.Metadata with { Timestamp = change.Apply(at, _first ??= at) });
        }

        return true;
    }
}
