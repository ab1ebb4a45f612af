using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;

namespace Interceptor.Tests.Files;

public sealed class WriterTests
{
    private static readonly CaptureInterface Ethernet = new(LinkType.Ethernet, 262144, "eth0", "the first");
    private static readonly CaptureInterface Cooked = new(LinkType.LinuxCooked, 96, "any");

    [Fact]
    public void Nanosecond_pcap_reads_back_as_it_was_written()
    {
        StoredPacket[] packets = [TestPackets.Packet(60), TestPackets.Packet(0), TestPackets.Packet(1500, TestPackets.SomeTime + 1) with { OriginalLength = 9000 }];
        byte[] file = TestPackets.Write(stream => new PcapWriter(stream, nanoseconds: true, leaveOpen: true), packets);
        Assert.Equal(packets, TestPackets.ReadAll(file));
    }

    [Fact]
    public void Microsecond_pcap_loses_only_the_last_three_digits()
    {
        byte[] file = TestPackets.Write(stream => new PcapWriter(stream, nanoseconds: false, leaveOpen: true), [TestPackets.Packet(60)]);
        StoredPacket packet = Assert.Single(TestPackets.ReadAll(file));
        Assert.Equal(1_700_000_000_123_456_000, packet.Time);
    }

    [Fact]
    public void Pcapng_reads_back_with_interfaces_options_and_times_before_1970()
    {
        var options = new PcapNgPacketOptions
        {
            Comment = "held, then released: Grüße",
            Direction = PacketDirection.Outbound,
            DropCount = 7,
            PacketId = ulong.MaxValue,
            Queue = 3,
            Verdict = new PcapNgVerdict(PcapNgVerdictSource.LinuxTrafficControl, 2),
            Hash = new PcapNgHash(PcapNgHashAlgorithm.Md5, Enumerable.Range(0, 16).Select(i => (byte)i).ToArray()),
        };
        StoredPacket[] packets =
        [
            TestPackets.Packet(61) with { Options = options },
            TestPackets.Packet(62, -505_274_165_001),
            TestPackets.Packet(33, linkType: LinkType.LinuxCooked) with { InterfaceId = 1, OriginalLength = 100, Options = new() { Flags = 0x20 } },
            TestPackets.Packet(64) with { HasTime = false, Time = 0 },
        ];
        byte[] file = TestPackets.Write(stream => new PcapNgWriter(stream, new PcapNgSection("x86_64", "Linux", "test", "a comment"), leaveOpen: true), packets, Ethernet, Cooked);
        CaptureFileReader reader = CaptureFile.OpenRead(new MemoryStream(file), "memory");
        Assert.Equal(packets, TestPackets.ReadAll(reader));
        Assert.Equal([Ethernet, Cooked], reader.Interfaces);
        Assert.Equal(new PcapNgSection("x86_64", "Linux", "test", "a comment"), reader.Section);
    }

    [Fact]
    public void The_drops_of_interface_statistics_are_read_back()
    {
        using var stream = new MemoryStream();
        var writer = new PcapNgWriter(stream, leaveOpen: true);
        writer.AddInterface(Ethernet with { Filter = "tcp port 80" });
        writer.WriteInterfaceStatistics(0, new CaptureTimestamp(TestPackets.SomeTime), new InterfaceStatistics { Received = 100, DroppedByInterface = 3, DroppedBySystem = 4 });
        writer.Dispose();
        CaptureFileReader reader = CaptureFile.OpenRead(new MemoryStream(stream.ToArray()), "memory");
        Assert.Empty(TestPackets.ReadAll(reader));
        Assert.Equal(7, Assert.Single(reader.Interfaces).Dropped);
    }

    [Fact]
    public void Drops_beyond_all_numbers_are_told_as_the_largest()
    {
        using var stream = new MemoryStream();
        using (var writer = new PcapNgWriter(stream, leaveOpen: true))
        {
            for (int id = 0; id < 2; id++)
            {
                writer.AddInterface(Ethernet);
                writer.WriteInterfaceStatistics(id, new CaptureTimestamp(TestPackets.SomeTime), new InterfaceStatistics { DroppedByInterface = ulong.MaxValue });
            }
        }

        stream.Position = 0;
        using CaptureFileReader reader = CaptureFile.OpenRead(stream, "memory");
        Assert.Equal(long.MaxValue, CaptureFileSummary.Read(reader).Dropped);
    }

    [Fact]
    public void Drops_recorded_with_packets_count_where_the_interface_has_no_statistics()
    {
        byte[] file = TestPackets.WritePcapNg(
            TestPackets.Packet(60) with { Options = new() { DropCount = 2 } }, TestPackets.Packet(60), TestPackets.Packet(60) with { Options = new() { DropCount = 5 } });
        using CaptureFileReader reader = CaptureFile.OpenRead(new MemoryStream(file), "memory");
        CaptureFileSummary summary = CaptureFileSummary.Read(reader);
        Assert.Equal((7L, 7L), (summary.Dropped, Assert.Single(summary.Interfaces).Dropped));
    }

    [Fact]
    public void Everything_said_of_an_interface_is_read_back()
    {
        CaptureInterface described = Ethernet with { Name = "eth0", Description = "the wire", Filter = "tcp port 80", OperatingSystem = "Linux", Hardware = "a card", Comment = "a comment" };
        var statistics = new InterfaceStatistics
        {
            Start = new CaptureTimestamp(1),
            End = new CaptureTimestamp(2),
            Received = 3,
            DroppedByInterface = 4,
            AcceptedByFilter = 5,
            DroppedBySystem = 6,
            Delivered = 7,
        };
        using var stream = new MemoryStream();
        using (var writer = new PcapNgWriter(stream, leaveOpen: true))
        {
            writer.AddInterface(described);
            writer.WriteInterfaceStatistics(0, new CaptureTimestamp(TestPackets.SomeTime), statistics);
        }

        CaptureFileReader reader = CaptureFile.OpenRead(new MemoryStream(stream.ToArray()), "memory");
        Assert.Empty(TestPackets.ReadAll(reader));
        Assert.Equal(described with { Statistics = statistics, Dropped = 10 }, Assert.Single(reader.Interfaces));
    }

    [Fact]
    public void A_hash_that_no_option_can_hold_is_refused()
    {
        StoredPacket packet = TestPackets.Packet(60) with { Options = new() { Hash = new PcapNgHash(PcapNgHashAlgorithm.Xor, new byte[65_535]) } };
        Assert.Throws<ArgumentException>(() => TestPackets.WritePcapNg(packet));
    }

    [Fact]
    public void A_packet_of_another_link_type_gets_an_interface_of_its_own_in_pcapng()
    {
        byte[] file = TestPackets.WritePcapNg(TestPackets.Packet(60), TestPackets.Packet(60, linkType: LinkType.Raw));
        Assert.Equal([0, 1], TestPackets.ReadAll(file).Select(packet => packet.InterfaceId));
    }

    [Fact]
    public void Pcap_refuses_a_second_link_type_with_a_remedy()
    {
        var writer = new PcapWriter(new MemoryStream());
        writer.Write(TestPackets.Packet(60).ToPacket());
        CaptureFileException failure = Assert.Throws<CaptureFileException>(() => writer.Write(TestPackets.Packet(60, linkType: LinkType.Raw).ToPacket()));
        Assert.Equal(CaptureFileFault.Unsupported, failure.Fault);
        Assert.Contains("write pcapng instead", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Pcap_refuses_an_instant_that_it_can_not_hold()
    {
        var writer = new PcapWriter(new MemoryStream());
        Assert.Throws<CaptureFileException>(() => writer.Write(TestPackets.Packet(60, -1).ToPacket()));
    }

    [Fact]
    public void A_capture_without_packets_is_a_capture()
    {
        Assert.Empty(TestPackets.ReadAll(TestPackets.Write(stream => new PcapWriter(stream, leaveOpen: true), [])));
        Assert.Empty(TestPackets.ReadAll(TestPackets.WritePcapNg()));
    }

    [Fact]
    public void After_a_flush_a_reader_sees_whole_packets_only()
    {
        using var stream = new MemoryStream();
        using var writer = new PcapNgWriter(stream, leaveOpen: true);
        for (int i = 1; i <= 300; i++)
        {
            writer.Write(TestPackets.Packet(1500).ToPacket());
            writer.Flush();
            Assert.Equal(i, TestPackets.ReadAll(stream.ToArray()).Count);
        }
    }

    [Fact]
    public void A_full_disk_is_told_and_leaves_whole_blocks()
    {
        using var disk = new SmallDisk(capacity: 700_000);
        var writer = new PcapNgWriter(disk);
        Assert.Throws<IOException>(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                writer.Write(TestPackets.Packet(1500).ToPacket());
            }
        });
        writer.Dispose();
        Assert.NotEmpty(TestPackets.ReadAll(disk.ToArray()));
    }

    [Fact]
    public void A_file_written_aside_appears_whole_or_not_at_all()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("out.pcapng");
        File.WriteAllText(path, "old");
        using (CaptureFileWriter abandoned = CaptureFile.Create(path, CaptureFileMode.Replace))
        {
            abandoned.Write(TestPackets.Packet(60).ToPacket());
        }

        Assert.Equal("old", File.ReadAllText(path));
        using (CaptureFileWriter writer = CaptureFile.Create(path, CaptureFileMode.Replace))
        {
            writer.Write(TestPackets.Packet(60).ToPacket());
            Assert.Equal("old", File.ReadAllText(path));
            writer.Commit();
        }

        using CaptureFileReader reader = CaptureFile.OpenRead(path);
        Assert.Single(TestPackets.ReadAll(reader));
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_device_is_written_and_not_replaced()
    {
        using (CaptureFileWriter writer = CaptureFile.Create("/dev/null", CaptureFileMode.Replace))
        {
            writer.Write(TestPackets.Packet(60).ToPacket());
            writer.Commit();
        }

        Assert.False(Interop.FileStatus.Of("/dev/null")!.Value.IsRegular);
    }

    [Theory]
    [InlineData("a.pcap", true)]
    [InlineData("a.CAP", true)]
    [InlineData("a.pcapng", false)]
    [InlineData("a", false)]
    public void The_name_decides_the_format(string name, bool pcap)
    {
        using var folder = new TemporaryFolder();
        using (CaptureFileWriter writer = CaptureFile.Create(folder.File(name)))
        {
            writer.Write(TestPackets.Packet(60).ToPacket());
        }

        using CaptureFileReader reader = CaptureFile.OpenRead(folder.File(name));
        Assert.Equal(pcap ? CaptureFileFormat.Pcap : CaptureFileFormat.PcapNg, reader.Format);
    }

    [Fact]
    public void A_place_that_can_not_be_written_is_told()
    {
        CaptureFileException failure = Assert.Throws<CaptureFileException>(() => CaptureFile.Create("/no/such/folder/out.pcapng"));
        Assert.StartsWith("/no/such/folder/out.pcapng: can't be written: ", failure.Message, StringComparison.Ordinal);
        Assert.Throws<CaptureFileException>(() => CaptureFile.Create("/tmp", CaptureFileMode.Replace));
    }

    private sealed class SmallDisk(int capacity) : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            int room = (int)Math.Min(buffer.Length, capacity - Position);
            base.Write(buffer[..room]);
            if (room < buffer.Length)
            {
                throw new IOException("No space left on device");
            }
        }
    }
}
