using System.Buffers.Binary;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Replay;
using Interceptor.Tests.Allocations;
using Interceptor.Tests.Files;

namespace Interceptor.Tests.Replay;

/// <summary>Packets on their way from the file to the sending thread: directly, read ahead, and out of memory.</summary>
public sealed class ReplayFeedTests
{
    /// <summary>How packets come to the sender.</summary>
    public enum Way
    {
        Direct,
        Ahead,
        Preloaded,
    }

    private static readonly ReplayOptions TopSpeed = new() { Pace = ReplayPace.TopSpeed };

    [Theory]
    [InlineData(Way.Direct)]
    [InlineData(Way.Ahead)]
    [InlineData(Way.Preloaded)]
    public void Every_packet_arrives_once_for_each_round_in_order_and_whole(Way way)
    {
        // More than a few blocks hold, and packets of all lengths up to one that no usual block holds.
        StoredPacket[] packets = [.. Enumerable.Range(0, 30_000).Select(i => TestPackets.Packet(i % 977, TestPackets.SomeTime + i)), TestPackets.Packet(200_000), TestPackets.Packet(1)];
        byte[] file = TestPackets.WritePcapNg(packets);
        var sink = new HashingSink();
        ReplayReport report = Run(way, file, sink, TopSpeed with { Loop = 2 });
        var expected = new HashingSink();
        for (int round = 0; round < 2; round++)
        {
            foreach (StoredPacket packet in packets)
            {
                expected.Write(packet.ToPacket());
            }
        }

        Assert.Equal((2L * packets.Length, expected.Hash), (report.Packets, sink.Hash));
        Assert.Equal(2, report.Rounds);
    }

    [Theory]
    [InlineData(Way.Direct)]
    [InlineData(Way.Ahead)]
    [InlineData(Way.Preloaded)]
    public void What_is_skipped_is_counted_up_to_the_packet_that_was_sent_last(Way way)
    {
        StoredPacket[] packets =
        [
            TestPackets.Packet(60, linkType: LinkType.Ethernet), Other(1), Other(1), TestPackets.Packet(61), Cut(), TestPackets.Packet(62), Other(1), TestPackets.Packet(63),
        ];
        byte[] file = TestPackets.Write(stream => new PcapNgWriter(stream, leaveOpen: true), packets,
            new CaptureInterface(LinkType.Ethernet, 262144, "eth0"), new CaptureInterface(LinkType.Raw, 262144, "tun0"));
        ReplayOptions options = TopSpeed with { Accepts = type => type == LinkType.Ethernet, SkipCut = true };
        ReplayReport all = Run(way, file, new DiscardingSink(), options);
        Assert.Equal((4, 4, 3, 1, 0), (all.Packets, all.Skipped, all.OtherLinkType, all.CutSkipped, all.Truncated));
        Assert.Equal([(LinkType.Raw, 3L)], all.OtherLinkTypes);
        ReplayReport three = Run(way, file, new DiscardingSink(), options with { Limit = 2 });
        Assert.Equal((2, 3), (three.Packets, three.Skipped));
    }

    [Theory]
    [InlineData(Way.Direct)]
    [InlineData(Way.Ahead)]
    [InlineData(Way.Preloaded)]
    public void Damage_ends_the_replay_behind_what_could_be_read(Way way)
    {
        byte[] file = TestPackets.WritePcapNg(TestPackets.Packet(60), TestPackets.Packet(60), TestPackets.Packet(60));
        ReplayReport report = Run(way, file[..^1], new DiscardingSink(), TopSpeed with { Loop = 3 });
        Assert.Equal((2, CaptureFileFault.Truncated), (report.Packets, report.Damage?.Fault));
    }

    [Theory]
    [InlineData(Way.Direct)]
    [InlineData(Way.Ahead)]
    [InlineData(Way.Preloaded)]
    public void A_capture_that_cannot_be_opened_is_an_exception(Way way) =>
        Assert.Throws<CaptureFileException>(() => Run(way, () => throw new CaptureFileException("x", 0, CaptureFileFault.Unreadable, "gone"), new DiscardingSink(), TopSpeed));

    [Theory]
    [InlineData(Way.Direct)]
    [InlineData(Way.Ahead)]
    [InlineData(Way.Preloaded)]
    public void Both_directions_are_one_flow_however_often_they_are_sent(Way way)
    {
        RealPacket[] packets = [.. RealPackets.All.Where(static packet => packet.LinkType == LinkType.Ethernet)];
        var flows = new HashSet<FlowKey>();
        int inFlows = 0;
        foreach (RealPacket packet in packets)
        {
            if (packet.Parse().TryGetFlow(out FlowKey key))
            {
                flows.Add(key.Canonical(out _));
                inFlows++;
            }
        }

        Assert.True(flows.Count > 20 && inFlows < packets.Length, "the captures show nothing.");
        byte[] file = TestPackets.WritePcapNg(packets.Select(packet =>
            new StoredPacket(0, true, packet.OriginalLength, packet.LinkType, 0, Convert.ToHexString(packet.Data), default)));
        ReplayReport report = Run(way, file, new DiscardingSink(), TopSpeed with { CountFlows = true, Loop = 2 });
        Assert.Equal((flows.Count, 2 * inFlows, false), (report.Flows, report.FlowPackets, report.FlowsAreCapped));
    }

    [Fact]
    public void Beyond_a_million_flows_there_are_at_least_so_many()
    {
        byte[] frame = new byte[42];
        frame[12] = 8;
        frame[14] = 0x45;
        frame[17] = 28;
        frame[23] = 17;
        var flows = new FlowCounter();
        long begun = 0;
        for (int i = 0; i <= FlowCounter.Most; i++)
        {
            Assert.False(flows.IsFull);
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(26), i);
            var packet = new CapturedPacket(frame, new PacketMetadata { LinkType = LinkType.Ethernet, OriginalLength = frame.Length });
            begun += (flows.Add(packet) & ReplayRecordFlags.BeginsFlow) != 0 ? 1 : 0;
        }

        Assert.Equal((FlowCounter.Most, true), (begun, flows.IsFull));
    }

    [Fact]
    public void A_capture_that_takes_more_memory_than_it_may_is_refused()
    {
        byte[] file = TestPackets.WritePcapNg(Enumerable.Range(0, 20_000).Select(static _ => TestPackets.Packet(200)));
        Assert.Throws<InsufficientMemoryException>(() =>
            PreloadedCapture.Load(() => Open(file), TopSpeed, 1_000_000, TestContext.Current.CancellationToken));
        Assert.Equal(4_000_000, PreloadedCapture.Load(() => Open(file), TopSpeed, 100_000_000, TestContext.Current.CancellationToken).Bytes);
    }

    [Fact]
    public void What_a_pipe_gave_is_sent_before_it_is_waited_for()
    {
        byte[] file = TestPackets.WritePcapNg(TestPackets.Packet(60), TestPackets.Packet(61));
        using var sent = new SemaphoreSlim(0);
        var stream = new StallingStream(file, file.Length - 8, sent);
        var sink = new HashingSink(() => sent.Release());
        ReplayReport report = Run(Way.Ahead, () => CaptureFile.OpenRead(stream, "pipe"), sink, TopSpeed);
        Assert.Equal(2, report.Packets);
        Assert.True(stream.HasStalled, "nothing was waited for.");
    }

    [Theory]
    [InlineData(Way.Ahead)]
    [InlineData(Way.Preloaded)]
    public void Sending_allocates_nothing_for_a_packet(Way way)
    {
        byte[] file = TestPackets.WritePcapNg(RealPackets.All.Where(static packet => packet.LinkType == LinkType.Ethernet).Select(packet =>
            new StoredPacket(0, true, packet.OriginalLength, packet.LinkType, 0, Convert.ToHexString(packet.Data), default)));
        ReplayOptions options = new() { Pace = ReplayPace.At(new PacketRate(1_000_000)), CountFlows = true, Loop = 20 };
        long least = RealPackets.Least(() =>
        {
            // Between the first packet and the last, on the sending thread.
            var sink = new AllocationSink();
            ReplayReport report = Run(way, file, sink, options);
            Assert.True(report.Packets > 10_000);
            return sink.Last - sink.First;
        });
        Assert.Equal(0, least);
    }

    private static CaptureFileReader Open(byte[] file) => CaptureFile.OpenRead(new MemoryStream(file), "memory");

    private static ReplayReport Run(Way way, byte[] file, IPacketSink sink, ReplayOptions options) => Run(way, () => Open(file), sink, options);

    private static ReplayReport Run(Way way, Func<IPacketSource> open, IPacketSink sink, ReplayOptions options)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        var replayer = new PacketReplayer(sink, options with { ReadAhead = way == Way.Ahead }, new VirtualReplayClock());
        return way == Way.Preloaded
            ? replayer.Run(PreloadedCapture.Load(open, options, long.MaxValue, cancellation), cancellation)
            : replayer.Run(open, cancellation);
    }

    private static StoredPacket Other(int interfaceId) => TestPackets.Packet(40, linkType: LinkType.Raw) with { InterfaceId = interfaceId };

    private static StoredPacket Cut() => TestPackets.Packet(60) with { OriginalLength = 1500 };

    private class HashingSink(Action? onWrite = null) : IPacketSink
    {
        private HashCode _hash;

        internal int Hash => _hash.ToHashCode();

        public virtual void Write(in CapturedPacket packet)
        {
            _hash.Add(packet.Data.Length);
            _hash.AddBytes(packet.Data);
            onWrite?.Invoke();
        }

        public void Flush()
        {
        }

        public void Dispose()
        {
        }
    }

    private sealed class AllocationSink : HashingSink
    {
        internal long First { get; private set; }

        internal long Last { get; private set; }

        public override void Write(in CapturedPacket packet)
        {
            Last = GC.GetAllocatedBytesForCurrentThread();
            First = First == 0 ? Last : First;
        }
    }

    /// <summary>Gives its last bytes only after a packet was sent.</summary>
    private sealed class StallingStream(byte[] file, int until, SemaphoreSlim sent) : MemoryStream(file)
    {
        internal bool HasStalled { get; private set; }

        public override bool CanSeek => false;

        public override int Read(byte[] buffer, int offset, int count)
        {
            if (Position < until)
            {
                return base.Read(buffer, offset, (int)Math.Min(count, until - Position));
            }

            if (!HasStalled)
            {
                HasStalled = true;
                Assert.True(sent.Wait(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken), "the first packet was not sent.");
            }

            return base.Read(buffer, offset, count);
        }
    }
}
