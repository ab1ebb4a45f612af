using FsCheck;
using FsCheck.Fluent;
using Interceptor.Packets;
using Interceptor.Replay;
using Interceptor.Tcp;
using Interceptor.Testing;
using Interceptor.Tests.Packets;

namespace Interceptor.Tests.Tcp;

public sealed class TcpSnapshotPatchTests
{
    private const int Scale = 3;

    /// <summary>Its numbers cross zero, both ways: 1000 acknowledged before, 3000 in flight, 5000 unsent; 2000 received since the last window.</summary>
    private static readonly TcpSnapshot Cut = new()
    {
        Local = new FlowEndpoint(Sample.Server4, 80),
        Peer = new FlowEndpoint(Sample.Client4, 49152),
        State = TcpState.Established,
        SndUna = new(0xFFFFF000),
        SndNxt = new SequenceNumber(0xFFFFF000) + 3000,
        WriteSeq = new SequenceNumber(0xFFFFF000) + 8000,
        RcvNxt = new(500),
        RcvWup = new SequenceNumber(500) - 2000,
        RcvWnd = 64_000,
        CopiedSeq = new(500),
        RcvWindowScale = Scale,
        WindowScaling = true,
        Timestamps = true,
        TimestampValue = 0xFFFFFFF0,
    };

    [Fact]
    public void Unsent_data_that_is_seen_leaving_counts_as_sent_and_may_go_out()
    {
        byte[] packet = Segment(sequence: 3000, length: 1400);
        Assert.False(HeldPacketPolicy.MayGoOut(packet, packet.Length, Cut));
        TcpSnapshot patched = Apply(Cut, packet);
        Assert.Equal((4400, 3600), (patched.InFlightBytes, patched.UnsentBytes));
        Assert.Equal((Cut.SndUna, Cut.WriteSeq, Cut.RcvNxt), (patched.SndUna, patched.WriteSeq, patched.RcvNxt));
        Assert.True(HeldPacketPolicy.MayGoOut(packet, packet.Length, patched));
    }

    [Fact]
    public void A_late_acknowledgement_moves_the_right_edge_of_the_window()
    {
        byte[] packet = Segment(sequence: 3000, length: 0, window: 80_000);
        TcpSnapshot patched = Apply(Cut, packet);
        Assert.Equal((Cut.RcvNxt, 80_000u), (patched.RcvWup, patched.RcvWnd));
        Assert.True(HeldPacketPolicy.MayGoOut(packet, packet.Length, patched));
    }

    [Fact]
    public void A_smaller_window_does_not_take_back_what_was_promised()
    {
        TcpSnapshot patched = Apply(Cut, Segment(sequence: 3000, length: 0, window: 8));
        Assert.Equal(Cut.RcvWup + (int)Cut.RcvWnd, patched.RcvWup + (int)patched.RcvWnd);
        Assert.Equal(Cut.RcvNxt, patched.RcvWup);
    }

    [Fact]
    public void A_repetition_behind_the_cut_moves_only_the_clock()
    {
        byte[] packet = Segment(sequence: 0, length: 1400, acknowledgment: -2000, window: 64_000, time: 100);
        TcpSnapshot patched = Apply(Cut, packet);
        Assert.Equal(Cut with { TimestampValue = unchecked(0xFFFFFFF0 + 100) }, patched);
        Assert.True(HeldPacketPolicy.MayGoOut(packet, packet.Length, patched));
    }

    [Fact]
    public void A_fin_that_was_waiting_counts_as_sent()
    {
        TcpSnapshot closing = Cut with { State = TcpState.FinWait1, FinQueued = true };
        TcpSnapshot patched = Apply(closing, Segment(sequence: 3000, length: 4999, flags: TcpFlags.Fin | TcpFlags.Ack));
        Assert.Equal((closing.WriteSeq, 0), (patched.SndNxt, patched.UnsentBytes));
    }

    [Fact]
    public void What_the_socket_can_not_have_sent_changes_nothing()
    {
        Assert.Same(Cut, Apply(Cut, Segment(sequence: 7000, length: 1001)));
        Assert.Same(Cut, Apply(Cut, Segment(sequence: 3000, length: 1, acknowledgment: 1)));
        Assert.Same(Cut, Apply(Cut, Segment(sequence: 3000, length: 1, flags: TcpFlags.Rst | TcpFlags.Ack)));
        Assert.Same(Cut, Apply(Cut, Segment(sequence: 3000, length: 1, flags: TcpFlags.Syn | TcpFlags.Ack)));
        Assert.Same(Cut, Apply(Cut, Segment(sequence: 3000, length: 1, flags: TcpFlags.None)));
        Assert.Same(Cut, Apply(Cut, [0x45, 0, 0]));
    }

    [Fact]
    public void Whatever_the_socket_sent_behind_the_cut_may_go_out_once_the_snapshot_knows_it_and_nothing_is_taken_back()
    {
        Gen<byte[]> emission = from start in Gen.Choose(-1, 7999)
                               from length in Gen.Choose(0, 1448)
                               from acknowledgment in Gen.Choose(-2000, 0)
                               from window in Gen.Choose(0, 65535)
                               from time in Gen.Choose(0, 100_000)
                               select Segment(start, Math.Min(length, 8000 - start), acknowledgment, window << Scale, (uint)time);
        PropertyCheck.ForAll(Gen.ListOf(emission, 12).ToArbitrary(), packets =>
        {
            TcpSnapshot patched = Cut;
            foreach (byte[] packet in packets)
            {
                TcpSnapshot before = patched;
                patched = Apply(patched, packet);
                Assert.True(patched.SndUna <= patched.SndNxt && patched.SndNxt <= patched.WriteSeq && before.SndNxt <= patched.SndNxt);
                Assert.True(before.RcvWup <= patched.RcvWup && patched.RcvWup <= patched.RcvNxt);
                Assert.True(before.RcvWup + (int)before.RcvWnd <= patched.RcvWup + (int)patched.RcvWnd);
                Assert.True(unchecked((int)(patched.TimestampValue - before.TimestampValue)) >= 0);
            }

            Assert.All(packets, packet => Assert.True(HeldPacketPolicy.MayGoOut(packet, packet.Length, patched)));
            Assert.Equal(patched, packets.Aggregate(patched, Apply));
            Assert.Equal(patched, Enumerable.Reverse(packets).Aggregate(Cut, Apply));
        });
    }

    private static TcpSnapshot Apply(TcpSnapshot snapshot, byte[] packet) => TcpSnapshotPatch.Apply(snapshot, packet, packet.Length);

    /// <summary>A segment of the socket: its numbers relative to SndUna and RcvNxt, its time to the cut's clock.</summary>
    private static byte[] Segment(
        int sequence, int length, int acknowledgment = 0, int window = 64_000, uint time = 5, TcpFlags flags = TcpFlags.Ack) => new PacketBuilder()
        .Ipv4(Sample.Server4, Sample.Client4)
        .Tcp(80, 49152, Cut.SndUna + sequence, Cut.RcvNxt + acknowledgment, flags, (ushort)(window >> Scale))
        .NoOperation().NoOperation().Timestamps(unchecked(Cut.TimestampValue + time), 3)
        .Payload(new byte[length]).ToArray();
}
