using Interceptor.Packets;

namespace Interceptor.Tests.Replay.Rewriting;

/// <summary>What the checksums of a packet are, at every depth: the innermost IP header of each packet inside another.</summary>
internal static class Checked
{
    internal static List<ChecksumReport> Of(ReadOnlySpan<byte> packet, LinkType linkType, int originalLength)
    {
        var reports = new List<ChecksumReport>();
        PacketView view = PacketView.Parse(packet, linkType, originalLength);
        for (int depth = 0; depth <= Encapsulation.MaximumDepth; depth++)
        {
            reports.Add(PacketChecksums.Verify(view));
            if (!Encapsulation.TryFindInner(view, out PacketView inner))
            {
                break;
            }

            view = inner;
        }

        return reports;
    }

    /// <summary>Which they are, without what they should be.</summary>
    internal static string States(ReadOnlySpan<byte> packet, LinkType linkType, int originalLength) =>
        string.Join(' ', Of(packet, linkType, originalLength).Select(report => $"{report.Ipv4Header}/{report.Transport}"));

    internal static string Layers(ReadOnlySpan<byte> packet, LinkType linkType, int originalLength)
    {
        PacketView view = PacketView.Parse(packet, linkType, originalLength);
        var layers = new List<string>();
        for (int i = 0; i < view.LayerCount; i++)
        {
            layers.Add($"{view[i].Kind}@{view[i].Offset}+{view[i].HeaderLength}+{view[i].PayloadLength}");
        }

        return string.Join(' ', layers) + $" {view.Fault}";
    }
}
