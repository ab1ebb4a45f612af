using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Replay;
using Interceptor.Tests.Files;

namespace Interceptor.Tests.Replay;

public sealed class PacketReplayerTests
{
    private const long Second = 1_000_000_000;

    [Fact]
    public void Packets_are_sent_at_their_deadlines_and_an_hour_takes_no_time()
    {
        byte[] file = File(0, 1, Second, 3600 * Second);
        var clock = new VirtualReplayClock();
        var sink = new RecordingSink(clock);
        ReplayReport report = new PacketReplayer(sink, new ReplayOptions(), clock).Run(() => Open(file), TestContext.Current.CancellationToken);
        Assert.Equal([0, 1, Second, 3600 * Second], sink.Times);
        Assert.Equal((4, 4 * 60, 3600 * Second, 0), (report.Packets, report.Bytes, report.ElapsedNanoseconds, report.Timing.Maximum));
        Assert.True(sink.Flushed);
    }

    [Fact]
    public void Loops_follow_one_another_and_a_limit_ends_them()
    {
        byte[] file = File(0, Second);
        var clock = new VirtualReplayClock();
        var sink = new RecordingSink(clock);
        ReplayReport report = new PacketReplayer(sink, new ReplayOptions { Loop = 0, Limit = 5 }, clock).Run(() => Open(file), TestContext.Current.CancellationToken);
        Assert.Equal([0, Second, Second, 2 * Second, 2 * Second], sink.Times);
        Assert.Equal(5, report.Packets);
    }

    [Fact]
    public void An_endless_loop_over_nothing_ends()
    {
        ReplayReport report = new PacketReplayer(new DiscardingSink(), new ReplayOptions { Loop = 0, Filter = new("tcp port 1") }, new VirtualReplayClock())
            .Run(() => Open(File(0, 1)), TestContext.Current.CancellationToken);
        Assert.Equal((0, 2), (report.Packets, report.NotMatching));
    }

    [Fact]
    public void What_is_due_after_the_duration_is_not_sent()
    {
        var clock = new VirtualReplayClock();
        var sink = new RecordingSink(clock);
        new PacketReplayer(sink, new ReplayOptions { Duration = TimeSpan.FromSeconds(1) }, clock)
            .Run(() => Open(File(0, Second, Second + 1)), TestContext.Current.CancellationToken);
        Assert.Equal([0, Second], sink.Times);
    }

    [Fact]
    public void Packets_of_another_link_type_are_counted_and_not_sent()
    {
        ReplayReport report = new PacketReplayer(new DiscardingSink(), new ReplayOptions { Accepts = type => type == LinkType.Raw }, new VirtualReplayClock())
            .Run(() => Open(File(0, 1)), TestContext.Current.CancellationToken);
        Assert.Equal((0, 2), (report.Packets, report.OtherLinkType));
        Assert.Equal([(LinkType.Ethernet, 2L)], report.OtherLinkTypes);
    }

    [Fact]
    public void A_damaged_capture_is_sent_up_to_its_damage()
    {
        byte[] file = File(0, 1, 2);
        ReplayReport report = new PacketReplayer(new DiscardingSink(), new ReplayOptions { Loop = 3 }, new VirtualReplayClock())
            .Run(() => Open(file[..^1]), TestContext.Current.CancellationToken);
        Assert.Equal(2, report.Packets);
        Assert.Equal(CaptureFileFault.Truncated, report.Damage?.Fault);
    }

    [Fact]
    public void Cancelling_ends_a_long_wait_and_is_reported()
    {
        using var cancellation = new CancellationTokenSource();
        var sink = new RecordingSink(new MonotonicReplayClock(), cancellation.Cancel);
        ReplayReport report = new PacketReplayer(sink, new ReplayOptions()).Run(() => Open(File(0, 3600 * Second)), cancellation.Token);
        Assert.True(report.Interrupted);
        Assert.Equal(1, report.Packets);
    }

    [Fact]
    public void The_copy_has_the_times_of_sending()
    {
        using var stream = new MemoryStream();
        using (var copy = new PcapNgWriter(stream, leaveOpen: true))
        {
            new PacketReplayer(new DiscardingSink(), new ReplayOptions { Pace = ReplayPace.AtSpeed(2) }, new VirtualReplayClock(), copy)
                .Run(() => Open(File(0, Second)), TestContext.Current.CancellationToken);
        }

        Assert.Equal([TestPackets.SomeTime, TestPackets.SomeTime + (Second / 2)], TestPackets.ReadAll(stream.ToArray()).Select(packet => packet.Time));
    }

    [Fact]
    public void Steps_decide_when_and_see_what_was_sent()
    {
        var steps = new CountedSteps(2);
        ReplayReport report = new PacketReplayer(new DiscardingSink(), new ReplayOptions { Pace = ReplayPace.Step }, new VirtualReplayClock(), steps: steps)
            .Run(() => Open(File(0, Second, 2 * Second)), TestContext.Current.CancellationToken);
        Assert.Equal((2, true, 0), (report.Packets, report.StepsEnded, report.Timing.Count));
        Assert.Equal([TestPackets.SomeTime, TestPackets.SomeTime + Second], steps.Seen);
        Assert.Throws<ArgumentException>(() => new PacketReplayer(new DiscardingSink(), new ReplayOptions { Pace = ReplayPace.Step }));
        Assert.Throws<ArgumentException>(() => new PacketReplayer(new DiscardingSink(), new ReplayOptions(), steps: steps));
    }

    [Fact]
    public void A_loop_may_wait_between_its_rounds_at_every_pace()
    {
        foreach ((ReplayPace pace, long[] expected) in ((ReplayPace, long[])[])
            [(ReplayPace.Original, [0, Second, 6 * Second, 7 * Second]), (ReplayPace.At(new PacketRate(1)), [0, Second, 7 * Second, 8 * Second]), (ReplayPace.TopSpeed, [0, 0, 5 * Second, 5 * Second])])
        {
            var clock = new VirtualReplayClock();
            var sink = new RecordingSink(clock);
            new PacketReplayer(sink, new ReplayOptions { Pace = pace, Loop = 2, LoopDelay = TimeSpan.FromSeconds(5) }, clock)
                .Run(() => Open(File(0, Second)), TestContext.Current.CancellationToken);
            Assert.Equal(expected, sink.Times);
        }
    }

    [Fact]
    public void A_pause_lets_nothing_through_and_leaves_no_burst_behind()
    {
        const long Gap = 5_000_000;
        const long Pause = 100 * Gap;
        var machine = new VirtualReplayClock();
        var clock = new PausableReplayClock(machine);
        int written = 0;
        using var resuming = new Timer(_ =>
        {
            machine.WaitUntil(machine.Now + Pause, CancellationToken.None);
            clock.Toggle();
        });
        var sink = new RecordingSink(machine, () =>
        {
            if (++written == 10)
            {
                clock.Toggle();
                resuming.Change(50, Timeout.Infinite);
            }
        });
        byte[] file = File([.. Enumerable.Range(0, 40).Select(static i => i * Gap)]);
        ReplayReport report = new PacketReplayer(sink, new ReplayOptions(), clock).Run(() => Open(file), TestContext.Current.CancellationToken);
        Assert.Equal((40, Pause, 39 * Gap, 0), (report.Packets, report.PausedNanoseconds, report.ElapsedNanoseconds, report.Timing.Maximum));
        Assert.Equal(Enumerable.Range(0, 40).Select(static i => (i * Gap) + (i < 10 ? 0 : Pause)), sink.Times);
    }

    [Fact]
    public void The_machine_clock_is_never_early()
    {
        var clock = new MonotonicReplayClock();
        for (int i = 0; i < 20; i++)
        {
            long deadline = clock.Now + (i * 50_000);
            clock.WaitUntil(deadline, TestContext.Current.CancellationToken);
            Assert.True(clock.Now >= deadline);
        }
    }

    [Fact]
    public void Sending_allocates_nothing_per_packet()
    {
        byte[] file = File([.. Enumerable.Range(0, 10_000).Select(i => (long)i)]);
        var replayer = new PacketReplayer(new DiscardingSink(), new ReplayOptions { Loop = 4 }, new VirtualReplayClock());
        var opened = new List<long>(8);
        replayer.Run(() =>
        {
            opened.Add(GC.GetAllocatedBytesForCurrentThread());
            return Open(file);
        }, TestContext.Current.CancellationToken);
        // One round is what opening costs: a buffer of 1 MiB and a few objects.
        Assert.InRange(opened[3] - opened[2], 0, (1 << 20) + 10_000);
    }

    private static CaptureFileReader Open(byte[] file) => CaptureFile.OpenRead(new MemoryStream(file), "memory");

    private static byte[] File(params long[] offsets) => TestPackets.WritePcapNg(offsets.Select(offset => TestPackets.Packet(60, TestPackets.SomeTime + offset)));

    private sealed class CountedSteps(int most) : IReplaySteps
    {
        private int _left = most;

        internal List<long> Seen { get; } = [];

        public bool Await(CancellationToken cancellation) => _left-- > 0;

        public void Sent(in CapturedPacket packet) => Seen.Add(packet.Metadata.Timestamp.Nanoseconds);
    }

    private sealed class RecordingSink(IReplayClock clock, Action? onWrite = null) : IPacketSink
    {
        internal List<long> Times { get; } = [];

        internal bool Flushed { get; private set; }

        public void Write(in CapturedPacket packet)
        {
            Times.Add(clock.Now);
            Flushed = false;
            onWrite?.Invoke();
        }

        public void Flush() => Flushed = true;

        public void Dispose()
        {
        }
    }
}
