using System.Buffers.Binary;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Cli.Output;
using Interceptor.Filters;
using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tests.Files;
using Interceptor.Tests.Packets;

namespace Interceptor.Tests.Allocations;

/// <summary>
/// The budget of everything that runs once for each packet is nothing: reading, writing, filtering, dissecting, printing and following. Measured on the thread's own
/// counter over the packets of real captures.
/// </summary>
public sealed class AllocationTests
{
    private static readonly string[] Expressions =
    [
        "tcp port 80", "ip6 or vlan", "host 192.0.2.1 and not udp", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "greater 100 and ip[8] < 65",
    ];

    public static TheoryData<string> Files => [.. RealPackets.Files];

    [Fact]
    public void The_measure_sees_an_allocation()
    {
        object? kept = null;
        Assert.InRange(RealPackets.AllocatedBy(() => kept = new byte[100]), 100, 200);
        GC.KeepAlive(kept);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Reading_a_capture_allocates_nothing_for_a_packet(string path)
    {
        byte[] plain = Unpacked(path);
        foreach (CaptureCompression compression in Enum.GetValues<CaptureCompression>())
        {
            byte[] file = Packed(plain, compression);
            Assert.Equal((0L, compression), (RealPackets.Least(() => AllocatedForPackets(file)), compression));
        }
    }

    /// <summary>
    /// What a file describes between its packets (sections, interfaces, statistics) is kept; a packet behind such a block does not count, nor does the first, with
    /// which the file's beginning is read.
    /// </summary>
    private static long AllocatedForPackets(byte[] file)
    {
        using CaptureFileReader reader = CaptureFile.OpenRead(new MemoryStream(file, writable: false), "memory");
        bool described = true;
        long allocated = 0;
        reader.BlockHandler = (in PcapNgBlock _) => described = true;
        long before = GC.GetAllocatedBytesForCurrentThread();
        while (TryReadOrEnd(reader))
        {
            long after = GC.GetAllocatedBytesForCurrentThread();
            allocated += described ? 0 : after - before;
            described = false;
            before = GC.GetAllocatedBytesForCurrentThread();
        }

        return allocated;
    }

    [Fact]
    public void Writing_packets_allocates_nothing()
    {
        using var pcapng = new PcapNgWriter(Stream.Null);
        using var pcap = new PcapWriter(Stream.Null);
        Assert.Equal(0, RealPackets.AllocatedBy(() =>
        {
            foreach (RealPacket packet in RealPackets.All)
            {
                pcapng.Write(packet.ToCaptured());
                if (packet.LinkType == LinkType.Ethernet && packet.Timestamp.Nanoseconds is >= 0 and < uint.MaxValue * CaptureTimestamp.NanosecondsPerSecond)
                {
                    pcap.Write(packet.ToCaptured());
                }
            }
        }));
    }

    [Fact]
    public void Filtering_allocates_nothing_interpreted_or_compiled()
    {
        foreach (string expression in Expressions)
        {
            BpfProgram program = PacketFilter.Compile(expression, LinkType.Ethernet).Program;
            BpfFunction function = BpfCompiler.Compile(program);
            var byLinkType = new LinkTypeFilter(expression);
            long interpreted = 0;
            long compiled = 0;
            RealPacket[] packets = [.. RealPackets.All.Where(static packet => packet.LinkType == LinkType.Ethernet)];
            Assert.Equal(0, RealPackets.AllocatedBy(() =>
            {
                foreach (RealPacket packet in packets)
                {
                    interpreted += BpfInterpreter.Run(program, packet.Data, packet.OriginalLength) != 0 ? 1 : 0;
                    compiled += function(packet.Data, packet.OriginalLength) != 0 ? 1 : 0;
                    _ = byLinkType.Matches(packet.ToCaptured());
                }
            }));
            Assert.Equal(interpreted, compiled);
        }
    }

    [Fact]
    public void Dissecting_allocates_nothing()
    {
        long sum = 0;
        Assert.Equal(0, RealPackets.AllocatedBy(() =>
        {
            foreach (RealPacket packet in RealPackets.All)
            {
                sum += PacketViewPropertyTests.ReadEverything(packet.Data, packet.LinkType, packet.OriginalLength);
            }
        }));
        Assert.NotEqual(0, sum);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Printing_allocates_nothing(bool verbose, bool json)
    {
        using var output = new CommandOutput(json, Stream.Null, TextWriter.Null) { HoldJson = true };
        using CaptureFileReader source = CaptureFile.OpenRead(new MemoryStream(TestPackets.WritePcapNg()), "memory");
        var format = new PacketFormatOptions { Verbosity = verbose ? 1 : 0, LinkHeader = verbose, HexDump = verbose ? HexDumpStyle.HexAndText : HexDumpStyle.None };
        var printer = new PacketPrinter(output, source, new PacketPrintFormat { Packet = format });
        Assert.Equal(0, RealPackets.AllocatedBy(() =>
        {
            foreach (RealPacket packet in RealPackets.All)
            {
                printer.Write(packet.ToCaptured());
            }
        }));
    }

    [Fact]
    public void Telling_of_connections_allocates_nothing()
    {
        var tracker = new TcpTracker();
        foreach (RealPacket packet in RealPackets.All)
        {
            tracker.Process(packet.Parse(), packet.Timestamp, 1);
        }

        TcpConnectionReport[] reports = [.. tracker.Connections.Select(TcpConnectionReport.Of)];
        using var output = new StreamWriter(Stream.Null);
        var text = new TcpConnectionText(output);
        var line = new JsonLine();
        Assert.Equal(0, RealPackets.AllocatedBy(() =>
        {
            foreach (ref readonly TcpConnectionReport report in reports.AsSpan())
            {
                text.Write(in report);
                line.Begin("connection"u8);
                TcpConnectionJson.Write(line, in report);
                line.End();
            }
        }));
        Assert.True(reports.Length > 20);
    }

    [Fact]
    public void Naming_the_fields_allocates_nothing()
    {
        var fields = new CountingFields();
        Assert.Equal(0, RealPackets.AllocatedBy(() =>
        {
            foreach (RealPacket packet in RealPackets.All)
            {
                PacketFields.Write(packet.Parse(), fields);
            }
        }));
        Assert.True(fields.Count > RealPackets.All.Length);
    }

    /// <summary>
    /// A connection that is open and sends: a data segment, and an acknowledgment for every second one, over the wrap of the sequence numbers. What grows with the
    /// connection grows to its bound in the warm-up.
    /// </summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Following_an_open_connection_allocates_nothing(bool hash, bool consume)
    {
        const int Pairs = 20_000;
        var tracker = new TcpTracker(new TcpTrackerOptions { HashStreams = hash }, consume ? new Counter() : null);
        var conversation = new Conversation();
        conversation.Open(tracker);
        Assert.Equal(0, RealPackets.AllocatedBy(() => conversation.Send(tracker, Pairs)));
        Assert.Equal(Pairs * (long)RealPackets.Passes * 2 * Conversation.SegmentLength, Assert.Single(tracker.Connections).Client.Stream.StreamBytes);
        Assert.Equal(TcpState.Established, tracker.Connections[0].Client.State);
    }

    private static bool TryReadOrEnd(CaptureFileReader reader)
    {
        try
        {
            return reader.TryRead(out _);
        }
        catch (CaptureFileException)
        {
            return false;
        }
    }

    /// <summary>The bytes of a capture file without the compression that it is kept in.</summary>
    private static byte[] Unpacked(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        CaptureCompression compression = CompressionFormat.OfMagic(BinaryPrimitives.ReadUInt32LittleEndian(file));
        if (compression == CaptureCompression.None)
        {
            return file;
        }

        using Stream packed = CompressionFormat.Unpack(compression, new MemoryStream(file), file.Length);
        using var plain = new MemoryStream();
        packed.CopyTo(plain);
        return plain.ToArray();
    }

    private static byte[] Packed(byte[] plain, CaptureCompression compression)
    {
        using var packed = new MemoryStream();
        using (Stream? packer = CompressionFormat.Pack(compression, packed))
        {
            (packer ?? packed).Write(plain);
        }

        return packed.ToArray();
    }

    private sealed class CountingFields : PacketFieldWriter
    {
        internal long Count { get; private set; }

        public override void BeginLayer(string name) => Count++;

        public override void EndLayer()
        {
        }

        public override void WriteNumber(string name, long value) => Count++;

        public override void WriteFlag(string name, bool value) => Count++;

        public override void WriteText(string name, ReadOnlySpan<char> value) => Count += value.Length > 0 ? 1 : 0;
    }
}
