using Interceptor.Capture;
using Interceptor.Packets;
using Interceptor.Replay.Rewriting;

namespace Interceptor.Tests.Replay.Rewriting;

/// <summary>One packet that came out of an edit.</summary>
internal sealed record OutPacket(byte[] Data, int OriginalLength, LinkType LinkType, long Number, RewriteOutcome Outcome);

/// <summary>Packets through an <see cref="EditStage"/>.</summary>
internal static class Rewritten
{
    internal static List<OutPacket> By(PacketEdits edits, out RewriteReport report, params IEnumerable<(byte[] Data, LinkType LinkType, int OriginalLength)> packets)
    {
        report = new RewriteReport();
        using var stage = new EditStage(new MemorySource([.. packets]), edits, report);
        var written = new List<OutPacket>();
        while (stage.TryRead(out CapturedPacket packet))
        {
            written.Add(new OutPacket(packet.Data.ToArray(), packet.Metadata.OriginalLength, packet.Metadata.LinkType, packet.Metadata.Number, stage.Outcome));
        }

        return written;
    }

    /// <summary>One whole packet that becomes one.</summary>
    internal static byte[] One(PacketEdits edits, byte[] packet, LinkType linkType = LinkType.Ethernet) =>
        Assert.Single(By(edits, out _, (packet, linkType, packet.Length))).Data;

    internal static AddressMapping Mapping(string text) => AddressMapping.Parse(text);

    private sealed class MemorySource((byte[] Data, LinkType LinkType, int OriginalLength)[] packets) : IPacketSource
    {
        private int _next;

        public IReadOnlyList<CaptureInterface> Interfaces { get; } = [];

        public bool TryRead(out CapturedPacket packet)
        {
            if (_next == packets.Length)
            {
                packet = default;
                return false;
            }

            (byte[] data, LinkType linkType, int originalLength) = packets[_next++];
            packet = new CapturedPacket(data, new PacketMetadata { OriginalLength = originalLength, LinkType = linkType, Number = _next, HasTimestamp = true });
            return true;
        }

        public void Dispose()
        {
        }
    }
}
