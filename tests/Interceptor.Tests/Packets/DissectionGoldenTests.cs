using System.Text;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Packets;

public class DissectionGoldenTests
{
    [Fact]
    public void Dissections_are_as_recorded()
    {
        var text = new StringBuilder();
        var summary = new PacketFormatter(new PacketFormatOptions { AbsoluteSequenceNumbers = true });
        var verbose = new PacketFormatter(new PacketFormatOptions { Verbosity = 1, LinkHeader = true, AbsoluteSequenceNumbers = true });
        foreach (Dissections.Sample sample in Dissections.All())
        {
            var view = PacketView.Parse(sample.Data, sample.LinkType);
            var fields = new FieldText();
            PacketFields.Write(view, fields);
            text.Append("== ").Append(sample.Name).Append('\n').Append(summary.Summarize(view)).Append('\n')
                .Append(verbose.Summarize(view)).Append('\n').Append(fields);
        }

        GoldenFile.Verify("packets/dissections.txt", text.ToString());
    }

    [Fact]
    public void Hex_dumps_are_as_recorded()
    {
        byte[] packet = Dissections.All().Single(sample => sample.Name == "tcp-data-across-the-wrap").Data;
        var text = new StringBuilder();
        foreach (HexDumpStyle style in Enum.GetValues<HexDumpStyle>())
        {
            text.Append(new PacketFormatter(new PacketFormatOptions { HexDump = style }).Format(PacketView.Parse(packet, LinkType.Ethernet))).Append('\n');
        }

        GoldenFile.Verify("packets/hexdumps.txt", text.ToString());
    }

    [Fact]
    public void Cut_packets_are_printed_as_cut()
    {
        byte[] packet = Dissections.All().Single(sample => sample.Name == "tcp-syn").Data;
        var text = new StringBuilder();
        var formatter = new PacketFormatter();
        foreach (int length in (int[])[10, 14, 20, 34, 40, 54, 60, 70])
        {
            text.Append(length).Append(": ").Append(formatter.Summarize(PacketView.Parse(packet.AsSpan(0, length), LinkType.Ethernet, packet.Length))).Append('\n');
        }

        GoldenFile.Verify("packets/cut.txt", text.ToString());
    }

    [Fact]
    public void Printing_allocates_nothing_once_warm()
    {
        var formatter = new PacketFormatter(new PacketFormatOptions { Verbosity = 1, LinkHeader = true, HexDump = HexDumpStyle.Hex });
        byte[][] packets = Dissections.All().Select(sample => sample.Data).ToArray();
        int Print() => packets.Sum(packet => formatter.Format(PacketView.Parse(packet, LinkType.Ethernet)).Length);
        Print();
        Print();
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (byte[] packet in packets)
        {
            formatter.Format(PacketView.Parse(packet, LinkType.Ethernet));
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
