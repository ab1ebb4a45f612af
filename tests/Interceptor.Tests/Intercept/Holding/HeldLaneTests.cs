using Interceptor.Capture.Intercept;
using Interceptor.Packets;
using static Interceptor.Tests.Intercept.Holding.HoldBench;

namespace Interceptor.Tests.Intercept.Holding;

public sealed class HeldLaneTests
{
    private const int Packets = 20_000;
    private const int Length = 100;

    // So that the numbers pass the wrap.
    private const uint First = uint.MaxValue - 700_000;

    [Fact]
    public void Among_thousands_of_segments_each_copy_is_found_and_looked_for_among_few()
    {
        var bench = new HoldBench(new HoldOptions { Limits = new HoldLimits { MaxPackets = Packets } });
        var lane = new HeldLane();
        for (int i = 0; i < Packets; i++)
        {
            byte[] segment = Segment(SequenceOf(i), TextOf(i));
            bench.Come(segment);
            Enter(lane, i, segment);
        }

        int most = 0;
        for (int i = 0; i < Packets; i += 7)
        {
            byte[] copy = Segment(SequenceOf(i), TextOf(i));
            bench.Come(copy);
            List<HeldEntry> near = lane.Near(RangeOf(copy), copy);
            Assert.Contains(near, entry => entry.Item.Id == i);
            most = Math.Max(most, near.Count);
        }

        // Of the two blocks of 4096 numbers that a segment touches at most.
        Assert.InRange(most, 2, (2 * 4096 / Length) + 3);
        Assert.Equal((Packets, (Packets + 6) / 7), (bench.Queue.Count, bench.Queue.Counters.Copies));

        // One that has the text of two takes the place of the first.
        bench.Come(Segment(SequenceOf(8), TextOf(8) + TextOf(9)));
        Assert.Equal(Packets - 1, bench.Queue.Count);
        Assert.Equal((9, 2), (bench.Queue.Snapshot()[8].Id, bench.Queue.Snapshot()[8].Copies));
        Assert.Equal(Packets - 1, bench.Queue.ReleaseAll());
    }

    [Fact]
    public void Datagrams_are_told_apart_by_their_identification_among_thousands()
    {
        var bench = new HoldBench(new HoldOptions { Limits = new HoldLimits { MaxPackets = Packets } });
        var lane = new HeldLane();
        for (int i = 0; i < Packets; i++)
        {
            byte[] datagram = Datagram(TextOf(i), (ushort)(i + 1));
            bench.Come(datagram);
            Enter(lane, i, datagram);
            Assert.Single(lane.Near(RangeOf(datagram), datagram));
        }

        bench.Come(Datagram(TextOf(77), 78));
        Assert.Equal((Packets, 1), (bench.Queue.Count, bench.Queue.Counters.Copies));
        Assert.Equal(Packets, bench.Queue.ReleaseAll());
    }

    [Fact]
    public void What_left_is_found_no_more_and_what_was_replaced_is_found_in_its_new_place()
    {
        var lane = new HeldLane();
        byte[] first = Segment(SequenceOf(0), TextOf(0));
        byte[] far = Segment(SequenceOf(1000), TextOf(1000));
        HeldEntry one = Enter(lane, 0, first);
        HeldEntry other = Enter(lane, 1, first);
        Assert.Equal([one, other], lane.Near(RangeOf(first), first));
        lane.Remove(one);
        Assert.Equal([other], lane.Near(RangeOf(first), first));
        lane.Replace(other, RangeOf(far), far);
        Assert.Empty(lane.Near(RangeOf(first), first));
        Assert.Equal([other], lane.Near(RangeOf(far), far));
        Assert.Equal(1, lane.Count);
    }

    private static uint SequenceOf(int number) => unchecked(First + (uint)(number * Length));

    private static string TextOf(int number) => number.ToString("D100", System.Globalization.CultureInfo.InvariantCulture);

    private static HeldRange RangeOf(byte[] packet) => HeldRange.Of(PacketView.Parse(packet, LinkType.Raw));

    private static HeldEntry Enter(HeldLane lane, long id, byte[] packet)
    {
        var item = new HeldItem { Id = id, Hook = FirewallHook.Input, Timestamp = default, Since = 0, Flow = default, Data = packet, OriginalLength = packet.Length };
        var entry = new HeldEntry(item, RangeOf(packet), null!, null!);
        lane.Add(entry);
        return entry;
    }
}
