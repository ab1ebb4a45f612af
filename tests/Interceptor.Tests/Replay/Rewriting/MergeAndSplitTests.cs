using System.Text.Json;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Testing;
using Interceptor.Tests.Files;
using Interceptor.Tests.Packets;

namespace Interceptor.Tests.Replay.Rewriting;

/// <summary>Several captures into one, and one into several, by the command.</summary>
public sealed class MergeAndSplitTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Captures_are_merged_by_time_with_the_interfaces_and_comments_of_each()
    {
        string first = Write("a.pcapng", [("eth0", LinkType.Ethernet), ("tun0", LinkType.Raw)], (0, 0, "early"), (5, 1, null), (9, 0, null));
        string second = Write("b.pcapng", [("eth1", LinkType.Ethernet)], (1, 0, null), (5, 0, "late"), (7, 0, null));
        Rewrite(first, "--merge", second);
        using CaptureFileReader merged = CaptureFile.OpenRead(_folder.File("out.pcapng"));
        List<StoredPacket> packets = TestPackets.ReadAll(merged);
        Assert.Equal([0, 1, 5, 5, 7, 9], packets.Select(packet => packet.Time - TestPackets.SomeTime));
        Assert.Equal(["eth0", "eth1", "tun0", "eth1", "eth1", "eth0"], packets.Select(packet => merged.Interfaces[packet.InterfaceId].Name));
        Assert.Equal(["early", null, null, "late", null, null], packets.Select(packet => packet.Options.Comment));
        Assert.Equal([10, 11, 20], merged.Interfaces.Select(each => (int)each.Statistics.Received!));
        Assert.Contains("of a.pcapng", merged.Section.Comment, StringComparison.Ordinal);
        Assert.Contains("of b.pcapng", merged.Section.Comment, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pcap_and_a_pcapng_capture_become_one_and_different_link_types_need_pcapng()
    {
        string first = Write("a.pcap", [("", LinkType.Ethernet)], (1, 0, null));
        string second = Write("b.pcapng", [("tun0", LinkType.Raw)], (0, 0, null));
        Rewrite(first, "--merge", second);
        using (CaptureFileReader merged = CaptureFile.OpenRead(_folder.File("out.pcapng")))
        {
            Assert.Equal([LinkType.Raw, LinkType.Ethernet], TestPackets.ReadAll(merged).Select(packet => packet.LinkType));
        }

        CliResult result = CliProcess.Run("rewrite", first, "--merge", second, "-o", _folder.File("out.pcap"));
        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Contains("write pcapng instead", result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.File("out.pcap")));
    }

    [Fact]
    public void A_damaged_capture_is_merged_up_to_its_damage_and_the_others_whole()
    {
        string first = Write("a.pcapng", [("eth0", LinkType.Ethernet)], (0, 0, null), (1, 0, null));
        string second = Write("b.pcapng", [("eth1", LinkType.Ethernet)], (2, 0, null), (3, 0, null));
        File.WriteAllBytes(first, File.ReadAllBytes(first)[..^90]);
        CliResult result = CliProcess.Run("rewrite", first, "--merge", second, "-o", _folder.File("out.pcapng"));
        Assert.True(result.ExitCode == 4, result.ToString());
        Assert.Equal([0, 2, 3], Times("out.pcapng"));
    }

    [Theory]
    [InlineData("packets=3", "0,1,2|3,4,5|6")]
    [InlineData("time=3ns", "0,1,2|3,4,5|6")]
    [InlineData("time=1ns", "0|1|2|3|4|5|6")]
    [InlineData("size=400B", "0,1|2,3|4,5|6")]
    [InlineData("size=1MB", "0,1,2,3,4,5,6")]
    public void A_capture_is_split_by_packets_time_and_size(string how, string expected)
    {
        string path = Write("in.pcapng", [("eth0", LinkType.Ethernet)], [.. Enumerable.Range(0, 7).Select(time => ((long)time, 0, (string?)$"number {time}"))]);
        List<string> files = Split(path, how);
        Assert.Equal(expected, string.Join('|', files.Select(file => string.Join(',', Times(file)))));
        Assert.Equal("out-00001.pcapng", Path.GetFileName(files[0]));
        foreach (string file in files)
        {
            using CaptureFileReader reader = CaptureFile.OpenRead(file);
            Assert.All(TestPackets.ReadAll(reader), packet => Assert.Equal($"number {packet.Time - TestPackets.SomeTime}", packet.Options.Comment));
            Assert.Equal("eth0", reader.Interfaces[0].Name);
            Assert.Equal("of in.pcapng", reader.Section.Comment);
            Assert.True(how != "size=400B" || file == files[^1] || new FileInfo(file).Length <= 400, $"{file} is too long.");
        }

        Assert.Empty(Directory.GetFiles(_folder.Path, ".*"));
    }

    [Fact]
    public void Each_interface_gets_a_file_with_its_packets_and_counters()
    {
        string path = Write("in.pcapng", [("eth0", LinkType.Ethernet), ("tun0", LinkType.Raw)], (0, 0, null), (1, 1, null), (2, 1, null));
        List<string> files = Split(path, "interface");
        Assert.Equal(["out-interface-0.pcapng", "out-interface-1.pcapng"], files.Select(file => Path.GetFileName(file)));
        using CaptureFileReader reader = CaptureFile.OpenRead(files[1]);
        Assert.Equal(["tun0", "tun0"], TestPackets.ReadAll(reader).Select(packet => reader.Interfaces[packet.InterfaceId].Name));
        Assert.Equal([null, 11UL], reader.Interfaces.Select(each => each.Statistics.Received));
    }

    [Theory]
    [InlineData("pcapng")]
    [InlineData("pcap")]
    [InlineData("pcapng.gz")]
    public void Each_connection_gets_a_file_though_there_are_more_than_may_be_open(string extension)
    {
        const int Connections = 150;
        string path = _folder.File("in.pcap");
        using (CaptureFileWriter writer = CaptureFile.Create(path))
        {
            writer.Write(Packet(new PacketBuilder().Ethernet(Sample.ClientMac, Sample.ServerMac).Ipv4(Sample.Client4, Sample.Server4).Udp(1, 2).ToArray(), 0));
            for (int number = 0; number < 3 * Connections; number++)
            {
                byte[] data = new PacketBuilder().Ethernet(Sample.ClientMac, Sample.ServerMac).Ipv4(Sample.Client4, Sample.Server4)
                    .Tcp((ushort)(1000 + (number % Connections)), 80, new((uint)number), default, number < Connections ? TcpFlags.Syn : TcpFlags.Ack).ToArray();
                writer.Write(Packet(data, number + 1));
            }
        }

        List<string> files = Split(path, "connection", $"out.{extension}");
        Assert.Equal(Connections + 1, files.Count);
        Assert.Equal([0], Times(_folder.File($"out-other.{extension}")));
        for (int id = 0; id < Connections; id++)
        {
            Assert.Equal([id + 1, id + 1 + Connections, id + 1 + (2 * Connections)], Times(_folder.File($"out-connection-{id}.{extension}")));
        }

        static CapturedPacket Packet(byte[] data, int at) => new(data, new PacketMetadata
        {
            Timestamp = new CaptureTimestamp(TestPackets.SomeTime + at),
            HasTimestamp = true,
            OriginalLength = data.Length,
            LinkType = LinkType.Ethernet,
        });
    }

    [Theory]
    [InlineData("packets=0")]
    [InlineData("packets")]
    [InlineData("time=0s")]
    [InlineData("connection=1")]
    [InlineData("files=3")]
    public void What_is_no_way_to_split_is_told(string how)
    {
        string path = Write("in.pcapng", [("eth0", LinkType.Ethernet)], (0, 0, null));
        CliResult result = CliProcess.Run("rewrite", path, "--split", how, "-o", _folder.File("out.pcapng"));
        Assert.True(result.ExitCode == 2, result.ToString());
        Assert.Contains("none of packets=N, time=D, size=S, connection, interface", result.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private string Write(string name, (string Name, LinkType LinkType)[] interfaces, params (long Time, int Interface, string? Comment)[] packets)
    {
        string path = _folder.File(name);
        using CaptureFileWriter writer = CaptureFile.Create(path, section: new PcapNgSection(Comment: $"of {name}"));
        foreach ((string interfaceName, LinkType linkType) in interfaces)
        {
            writer.AddInterface(new CaptureInterface(linkType, 0, interfaceName));
        }

        foreach ((long time, int id, string? comment) in packets)
        {
            StoredPacket packet = TestPackets.Packet(60, TestPackets.SomeTime + time, interfaces[id].LinkType) with { InterfaceId = id };
            if (writer is PcapNgWriter blocks)
            {
                blocks.Write(packet.ToPacket(), new PcapNgPacketOptions { Comment = comment });
            }
            else
            {
                writer.Write(packet.ToPacket());
            }
        }

        for (int id = 0; id < interfaces.Length && writer is PcapNgWriter; id++)
        {
            ulong received = (ulong)((name[0] == 'b' ? 20 : 10) + id);
            ((PcapNgWriter)writer).WriteInterfaceStatistics(id, new CaptureTimestamp(TestPackets.SomeTime), new InterfaceStatistics { Received = received });
        }

        return path;
    }

    private void Rewrite(params string[] arguments)
    {
        CliResult result = CliProcess.Run(["rewrite", .. arguments, "-o", _folder.File("out.pcapng")]);
        Assert.True(result.ExitCode == 0, result.ToString());
    }

    private List<string> Split(string path, string how, string name = "out.pcapng")
    {
        CliResult result = CliProcess.Run("--json", "rewrite", path, "--split", how, "-o", _folder.File(name));
        Assert.True(result.ExitCode == 0, result.ToString());
        using JsonDocument summary = JsonDocument.Parse(result.Lines[^1]);
        JsonElement[] files = [.. summary.RootElement.GetProperty("files").EnumerateArray()];
        Assert.Equal(summary.RootElement.GetProperty("packets_written").GetInt64(), files.Sum(file => file.GetProperty("packets").GetInt64()));
        return [.. files.Select(file => file.GetProperty("file").GetString()!)];
    }

    private IEnumerable<long> Times(string name)
    {
        using CaptureFileReader reader = CaptureFile.OpenRead(Path.IsPathRooted(name) ? name : _folder.File(name));
        return TestPackets.ReadAll(reader).Select(packet => packet.Time - TestPackets.SomeTime);
    }
}
