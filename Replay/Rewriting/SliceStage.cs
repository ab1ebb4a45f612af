using Interceptor.Capture;
using Interceptor.Packets;

namespace Interceptor.Replay.Rewriting;

/// <summary>Passes on the packets of a slice. It comes first: it has to see every packet to know its connection and when the capture begins.</summary>
/// <param name="source">The capture.</param>
/// <param name="slice">Which part of it.</param>
/// <param name="report">Counts the others.</param>
/// <param name="connections">Is shown every packet, so that others know its connection; null where nobody asks.</param>
public sealed class SliceStage(IPacketSource source, PacketSlice slice, RewriteReport report, ConnectionIds? connections = null) : RewriteStage(source)
{
    private readonly ConnectionIds? _connections = connections ?? (slice.Connections is null ? null : new ConnectionIds());
    private CaptureTimestamp? _first;

    /// <inheritdoc/>
    public override bool TryRead(out CapturedPacket packet)
    {
        while (Source.TryRead(out packet))
        {
            if (IsInside(in packet))
            {
                return true;
            }

            report.OutsideSlice++;
        }

        return false;
    }

    private bool IsInside(in CapturedPacket packet)
    {
        long connection = _connections?.Next(in packet) ?? ConnectionIds.None;
        bool isOfConnection = slice.Connections is null || slice.Connections.Contains(connection);
        if (packet.Metadata.HasTimestamp)
        {
            _first ??= packet.Metadata.Timestamp;
        }

        return isOfConnection && slice.Numbers?.Contains(packet.Metadata.Number) != false && IsInTime(packet.Metadata);
    }

    /// <summary>A packet without a time is in no part of it.</summary>
    private bool IsInTime(in PacketMetadata metadata)
    {
        if (slice.Start is null && slice.End is null)
        {
            return true;
        }

        Int128 at = metadata.Timestamp.Nanoseconds;
        return metadata.HasTimestamp && (slice.Start is not { } start || at >= InstantOf(start)) && (slice.End is not { } end || at <= InstantOf(end));
    }

    private Int128 InstantOf(SliceBound bound) => (Int128)bound.Nanoseconds + (bound.IsRelative ? _first!.Value.Nanoseconds : 0);
}
