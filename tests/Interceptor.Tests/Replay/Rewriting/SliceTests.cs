using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Replay.Rewriting;
using Interceptor.Testing;
using Interceptor.Tests.Files;
using Interceptor.Tests.Packets;

namespace Interceptor.Tests.Replay.Rewriting;

public sealed class SliceTests
{
    private const long Second = 1_000_000_000;

    [Theory]
    [InlineData("1-3,5,9-", "1,2,3,5,9,10")]
    [InlineData("5,1-3,2-4", "1,2,3,4,5")]
    [InlineData("10-", "10")]
    [InlineData("11", "")]
    public void Packets_are_selected_by_their_numbers(string numbers, string expected)
    {
        List<StoredPacket> packets = Through(new RewritePlan { Slice = new() { Numbers = NumberRanges.Parse(numbers, 1) } }, Tenths(10), out RewriteReport report);
        Assert.Equal(expected, string.Join(',', packets.Select(packet => (packet.Time - TestPackets.SomeTime) / (Second / 10) + 1)));
        Assert.Equal(10 - packets.Count, report.OutsideSlice);
    }

    [Theory]
    [InlineData("0-3")]
    [InlineData("3-1")]
    [InlineData("a")]
    [InlineData("1,,2")]
    [InlineData("-5")]
    [InlineData("1-2-3")]
    public void What_is_no_list_of_numbers_is_told(string text) =>
        Assert.Contains("write them as 1-10,20,30-", Assert.Throws<FormatException>(() => NumberRanges.Parse(text, 1)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_window_of_time_holds_both_its_ends_and_nothing_without_a_time()
    {
        StoredPacket[] packets = [.. Tenths(10), TestPackets.Packet(60) with { HasTime = false, Time = 0 }];
        var slice = new PacketSlice { Start = new(Second / 5, true), End = new(TestPackets.SomeTime + (Second / 2), false) };
        Assert.Equal([2, 3, 4, 5], Through(new RewritePlan { Slice = slice }, packets, out _).Select(packet => (packet.Time - TestPackets.SomeTime) / (Second / 10)));
        Assert.Equal(9, Through(new RewritePlan { Slice = new() { Start = new(1, true) } }, packets, out _).Count);
    }

    [Fact]
    public void A_connection_is_cut_out_with_its_fragments_and_counted_as_the_tracker_counts()
    {
        byte[][] packets =
        [
            Tcp(1000, TcpFlags.Syn), Udp(), Tcp(1001, TcpFlags.Syn), Fragment(1000, 0), Tcp(1001, TcpFlags.Ack), Fragment(1000, 48), Tcp(1000, TcpFlags.Fin | TcpFlags.Ack), Tcp(1000, TcpFlags.Syn, 7),
        ];
        Assert.Equal([1, 4, 6, 7], Numbers(0));
        Assert.Equal([3, 5], Numbers(1));
        Assert.Equal([8], Numbers(2));

        IEnumerable<long> Numbers(int id) => Through(new RewritePlan { Slice = new() { Connections = NumberRanges.Parse($"{id}", 0) } },
            packets.Select((packet, index) => Stored(packet, index)), out _).Select(packet => packet.Time - TestPackets.SomeTime + 1);

        static byte[] Tcp(ushort port, TcpFlags flags, uint sequence = 1) => new PacketBuilder().Ethernet(Sample.ClientMac, Sample.ServerMac)
            .Ipv4(Sample.Client4, Sample.Server4).Tcp(port, 80, new(sequence * 100_000), default, flags).ToArray();

        static byte[] Udp() => new PacketBuilder().Ethernet(Sample.ClientMac, Sample.ServerMac).Ipv4(Sample.Client4, Sample.Server4).Udp(1000, 80).ToArray();

        static byte[] Fragment(ushort port, int offset)
        {
            PacketBuilder builder = new PacketBuilder().Ethernet(Sample.ClientMac, Sample.ServerMac)
                .Ipv4(Sample.Client4, Sample.Server4, identification: 9, moreFragments: offset == 0, fragmentOffset: offset, protocol: IpProtocol.Tcp);
            return (offset == 0 ? builder.Tcp(port, 80, new(100_001), default, TcpFlags.Ack).Payload(new byte[28]) : builder.Payload(new byte[40])).ToArray();
        }
    }

    [Theory]
    [InlineData(3, "1,2,3,5,6,7,8")]
    [InlineData(4, "1,2,3,5,6,8")]
    [InlineData(5, "1,2,3,5,8")]
    public void A_packet_whose_bytes_were_there_within_so_many_is_left_out(int window, string expected)
    {
        // a b c c d b c a
        int[] lengths = [60, 61, 62, 62, 63, 61, 62, 60];
        List<StoredPacket> packets = Through(new RewritePlan { Duplicates = DuplicateWindow.OfPackets(window) },
            lengths.Select((length, index) => TestPackets.Packet(length, TestPackets.SomeTime + index)), out RewriteReport report);
        Assert.Equal(expected, string.Join(',', packets.Select(packet => packet.Time - TestPackets.SomeTime + 1)));
        Assert.Equal(8 - packets.Count, report.Duplicates);
    }

    [Fact]
    public void A_packet_whose_bytes_were_there_within_a_time_is_left_out()
    {
        long[] times = [0, 10, 25, 26, 100, 90];
        List<StoredPacket> packets = Through(new RewritePlan { Duplicates = DuplicateWindow.OfTime(15) },
            times.Select(time => TestPackets.Packet(60, TestPackets.SomeTime + time)), out _);
        Assert.Equal([0, 100, 90], packets.Select(packet => packet.Time - TestPackets.SomeTime));
    }

    [Fact]
    public void A_window_of_many_packets_keeps_no_more_than_those_and_finds_the_oldest()
    {
        IEnumerable<StoredPacket> packets = Enumerable.Range(0, 6000).Select(number => Stored([.. BitConverter.GetBytes(number % 2000), .. new byte[60]], number));
        Assert.Equal(2000, Through(new RewritePlan { Duplicates = DuplicateWindow.OfPackets(2001) }, packets, out _).Count);
        Assert.Equal(6000, Through(new RewritePlan { Duplicates = DuplicateWindow.OfPackets(2000) }, packets, out _).Count);
    }

    [Theory]
    [InlineData(TimeChange.ScaleUnit, 5, new long[] { 5, 15, 8 })]
    [InlineData(TimeChange.ScaleUnit * 3, 0, new long[] { 0, 30, 9 })]
    [InlineData(TimeChange.ScaleUnit / 2, -7, new long[] { -7, -2, -6 })]
    public void Times_are_scaled_from_the_first_packet_and_moved(long scale, long shift, long[] expected)
    {
        List<StoredPacket> packets = Through(new RewritePlan { Times = new() { ScaleBillionths = scale, Shift = shift } },
            new long[] { 0, 10, 3 }.Select(time => TestPackets.Packet(60, TestPackets.SomeTime + time)), out _);
        Assert.Equal(expected, packets.Select(packet => packet.Time - TestPackets.SomeTime));
    }

    [Fact]
    public void Gaps_of_centuries_are_scaled_without_overflow()
    {
        var change = new TimeChange { ScaleBillionths = TimeChange.ScaleUnit * 1_000_000, To = new CaptureTimestamp(5) };
        Assert.Equal(5, change.Apply(new(long.MinValue), new(long.MinValue)).Nanoseconds);
        Assert.Equal(long.MaxValue, change.Apply(new(long.MaxValue), new(long.MinValue)).Nanoseconds);
    }

    [Theory]
    [InlineData("1", 9, "--dedupe", "ip proto 0 or len > 0")]
    [InlineData("1", 9, "--dedupe", "5")]
    [InlineData("1", 9, "--dedupe", "150ms")]
    [InlineData("1,2,3,4,5,6,7,8,9,10", 0, "--dedupe", "50ms")]
    [InlineData("1,2,3", 0, "--start", "2023-11-14T22:13:20.123456789Z", "--end", "0.2")]
    [InlineData("3,4", 0, "--start", "1700000000323456789", "--end=0.3")]
    [InlineData("11,12,13", 0, "--packets", "1-3", "--shift", "1s")]
    [InlineData("-9,-8,-7", 0, "--packets", "1-3", "--shift", "-1s")]
    [InlineData("2,4,6", 0, "--packets", "2-4", "--scale", "2")]
    [InlineData("1,2,3", 0, "--packets", "8-", "--shift", "to=2023-11-14T23:13:20.123456789+01:00")]
    public void The_command_line_says_which_packets_and_when(string tenths, int duplicates, params string[] options)
    {
        using var folder = new TemporaryFolder();
        StoredPacket[] packets = [.. Tenths(10)];
        File.WriteAllBytes(folder.File("in.pcapng"), TestPackets.WritePcapNg(packets));
        CliResult result = CliProcess.Run(["--json", "rewrite", folder.File("in.pcapng"), "-o", folder.File("out.pcapng"), .. options]);
        Assert.True(result.ExitCode == 0, result.ToString());
        using CaptureFileReader reader = CaptureFile.OpenRead(folder.File("out.pcapng"));
        Assert.Equal(tenths, string.Join(',', TestPackets.ReadAll(reader).Select(packet => (packet.Time - TestPackets.SomeTime) / (Second / 10) + 1)));
        Assert.Contains($"\"duplicates\":{duplicates},", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--start is after --end", "--start", "2", "--end", "1")]
    [InlineData("--end: 'soon' is no instant", "--end", "soon")]
    [InlineData("--start: '2023-13-01T00:00:00Z' is no instant", "--start", "2023-13-01T00:00:00Z")]
    [InlineData("--packets: '0' is neither", "--packets", "0")]
    [InlineData("--connection: 'x' is neither", "--connection", "x")]
    [InlineData("1 packets are no window", "--dedupe", "1")]
    [InlineData("is not a factor", "--scale", "0")]
    [InlineData("names no instant", "--shift", "to=5")]
    [InlineData("is not a duration", "--shift", "5y")]
    public void What_makes_no_sense_is_told(string message, params string[] options)
    {
        CliResult result = CliProcess.Run(["rewrite", Path.Combine(ProjectPaths.OwnCaptures, "pcap-microseconds.pcap"), "-o", "/nowhere/out.pcapng", .. options]);
        Assert.True(result.ExitCode == 2, result.ToString());
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
    }

    private static IEnumerable<StoredPacket> Tenths(int count) => Enumerable.Range(0, count).Select(i => TestPackets.Packet(60, TestPackets.SomeTime + (i * Second / 10)));

    private static StoredPacket Stored(byte[] packet, int index) =>
        new(TestPackets.SomeTime + index, true, packet.Length, LinkType.Ethernet, 0, Convert.ToHexString(packet), default);

    private static List<StoredPacket> Through(RewritePlan plan, IEnumerable<StoredPacket> packets, out RewriteReport report)
    {
        report = new RewriteReport();
        using Interceptor.Capture.IPacketSource stages = plan.Over(CaptureFile.OpenRead(new MemoryStream(TestPackets.WritePcapNg(packets)), "memory"), report);
        var read = new List<StoredPacket>();
        while (stages.TryRead(out CapturedPacket packet))
        {
            read.Add(new StoredPacket(packet.Metadata.Timestamp.Nanoseconds, packet.Metadata.HasTimestamp, packet.Metadata.OriginalLength, packet.Metadata.LinkType, 0, Convert.ToHexString(packet.Data), default));
        }

        return read;
    }
}
