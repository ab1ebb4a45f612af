using System.Diagnostics;
using System.Net.Sockets;
using Interceptor.Capture.Intercept;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.LinuxTests.Tcp;

public sealed class KernelTruthTests
{
    private const int TransferBytes = 180_000;

    public static TheoryData<AddressFamily> Families => [AddressFamily.InterNetwork, AddressFamily.InterNetworkV6];

    [Theory]
    [MemberData(nameof(Families))]
    public void A_clean_transfer(AddressFamily family)
    {
        using var lab = Lab(family);
        lab.Instant("after the handshake");
        MidTransfer(lab, "clean");
        TruthLab.Transfer(lab.Server, lab.Client, 50_000);
        lab.Quiet("clean, both directions");
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Loss_and_delay(AddressFamily family)
    {
        using var lab = Lab(family, new ImpairmentOptions { Loss = 0.02, Delay = TimeSpan.FromMilliseconds(5), Seed = 3 });
        MidTransfer(lab, "loss and delay");
        TruthLab.Transfer(lab.Server, lab.Client, 50_000);
        lab.Quiet("loss and delay, both directions");
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Reordering(AddressFamily family)
    {
        using var lab = Lab(family, new ImpairmentOptions { Delay = TimeSpan.FromMilliseconds(4), Jitter = TimeSpan.FromMilliseconds(4), Seed = 7 });
        MidTransfer(lab, "reordering");
        TruthLab.Transfer(lab.Server, lab.Client, 50_000);
        lab.Quiet("reordering, both directions");
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_reader_that_stops(AddressFamily family)
    {
        using var lab = Lab(family);
        int written = CloseWindow(lab);
        TruthInstant closed = lab.Instant("zero window");
        Assert.Equal(0u, closed.ClientAtClient.SndWnd);
        Assert.Equal(0u, closed.ServerAtServer.RcvWnd);
        Assert.True(closed.Client.Snapshot.UnsentBytes > 0 && closed.Server.Snapshot.UnreadBytes > 0);
        int read = 0;
        TruthLab.Until(() =>
        {
            read += TruthLab.Read(lab.Server, written - read);
            return read == written;
        }, "the rest of the data");
        TruthInstant open = lab.Quiet("zero window opened again");
        Assert.True(open.ServerAtServer.RcvWnd > 0);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_recording_that_begins_in_the_middle(AddressFamily family)
    {
        using var lab = Lab(family);
        TruthLab.Transfer(lab.Client, lab.Server, 50_000);
        TruthLab.Transfer(lab.Server, lab.Client, 50_000);
        lab.Quiet("before the recording");
        TruthTap tap = lab.StartLateTap();
        TruthLab.Transfer(lab.Client, lab.Server, 30_000);
        TruthLab.Transfer(lab.Server, lab.Client, 30_000);
        TcpSnapshot kernel = lab.Quiet("after the recording began").Client.Snapshot;
        TcpSnapshot model = tap.Snapshot(lab.ClientEnd, lab.ServerEnd);
        Assert.Equal(SnapshotConfidence.Assumed, model.Confidence);
        Assert.Equal(
            (kernel.State, kernel.SndUna, kernel.SndNxt, kernel.WriteSeq, kernel.RcvNxt, kernel.RcvWup, kernel.Timestamps),
            (model.State, model.SndUna, model.SndNxt, model.WriteSeq, model.RcvNxt, model.RcvWup, model.Timestamps));

        // The shift was in the SYNs: windows are as on the wire, and SACK and MSS are not known.
        Assert.Equal((kernel.SndWnd >> kernel.SndWindowScale, kernel.RcvWnd >> kernel.RcvWindowScale), (model.SndWnd, model.RcvWnd));
        Assert.True(kernel.SackPermitted && !model.SackPermitted);
        Assert.Equal(TcpEndpoint.DefaultSegmentSize, model.MssClamp);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_gap_at_the_receiver(AddressFamily family)
    {
        using var lab = Lab(family);
        TruthInstant? gap = null;
        TruthLab.Until(() => (gap = TryMakeGap(lab)) is not null, "a gap that no retransmission fills");
        TcpSnapshot server = gap!.ServerAtServer;
        Assert.True(server.OutOfOrderBytes > 0);
        Assert.Equal((int)gap.Client.SegmentsSacked * SegmentBytes(lab), server.OutOfOrderBytes);
        Assert.Equal(gap.Client.Snapshot.SndNxt - server.RcvNxt - SegmentBytes(lab), server.OutOfOrderBytes);
        lab.Release();
        TruthInstant filled = lab.Quiet("gap filled");
        Assert.Equal(0, filled.ServerAtServer.OutOfOrderBytes);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void An_orderly_close(AddressFamily family)
    {
        using var lab = Lab(family);
        TruthLab.Transfer(lab.Client, lab.Server, 10_000);
        lab.Hold();
        lab.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal(TcpState.FinWait1, lab.Instant("first FIN sent").ClientAtClient.State);
        TruthLab.Until(() => lab.GlanceAtClient().State == TcpState.FinWait2, "FIN-WAIT-2");
        TruthInstant half = lab.Instant("half closed");
        Assert.Equal((TcpState.FinWait2, TcpState.CloseWait), (half.ClientAtClient.State, half.ServerAtServer.State));
        TruthLab.Transfer(lab.Server, lab.Client, 10_000);
        lab.Quiet("data in the other half");
        lab.Hold();
        lab.Server.Shutdown(SocketShutdown.Send);
        Assert.Equal(TcpState.LastAck, lab.Instant("second FIN sent").ServerAtServer.State);
        TruthLab.Until(() => lab.GlanceAtClient().State == TcpState.Closed && lab.GlanceAtServer().State == TcpState.Closed, "the end");
        TruthInstant end = lab.Freeze();
        Assert.Equal((TcpState.TimeWait, TcpState.Closed), (end.ClientAtClient.State, end.ServerAtServer.State));

        // The kernel moved TIME-WAIT (06) out of the socket, into an entry of its own.
        string table = family == AddressFamily.InterNetworkV6 ? "tcp6" : "tcp";
        string[] sockets = lab.ClientHost.Run(() => File.ReadAllLines($"/proc/thread-self/net/{table}"));
        Assert.Contains(sockets, line => line.Contains($":{lab.ClientEnd.Port:X4} ", StringComparison.Ordinal) && line.Contains(" 06 ", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Both_ends_close_at_once(AddressFamily family)
    {
        using var lab = Lab(family);
        TruthLab.Transfer(lab.Client, lab.Server, 10_000);
        lab.Quiet("before the close");
        lab.Hold();
        lab.Client.Shutdown(SocketShutdown.Send);
        lab.Server.Shutdown(SocketShutdown.Send);
        TruthInstant both = lab.Freeze();
        both.Check("both FINs sent");
        Assert.Equal((TcpState.FinWait1, TcpState.FinWait1), (both.ClientAtClient.State, both.ServerAtServer.State));
        lab.ToServer.Release();
        TruthLab.Until(() => lab.GlanceAtServer().State == TcpState.Closing, "CLOSING");
        TruthInstant crossed = lab.Freeze();
        crossed.Check("one FIN arrived");
        Assert.Equal((TcpState.FinWait1, TcpState.Closing), (crossed.ClientAtClient.State, crossed.ServerAtServer.State));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_close_behind_data_that_the_window_stops(AddressFamily family)
    {
        using var lab = Lab(family);
        CloseWindow(lab);
        lab.Client.Shutdown(SocketShutdown.Send);
        TruthInstant instant = lab.Instant("FIN unsent");
        Assert.Equal((TcpState.FinWait1, TcpState.Established), (instant.Client.Snapshot.State, instant.ClientAtClient.State));
        TruthLab.Until(() => TruthLab.Read(lab.Server, int.MaxValue) == 0 && lab.GlanceAtServer().State == TcpState.CloseWait, "the FIN");
        lab.Quiet("FIN delivered");
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_long_stall_with_probes(AddressFamily family)
    {
        using TruthLab lab = Lab(family);
        int unread = CloseWindow(lab);
        lab.Instant("zero window");
        foreach (int probes in (int[])[2, 4])
        {
            TruthLab.Until(() => lab.GlanceAtClient().Backoff >= probes, $"{probes} probes");
            TruthInstant stalled = lab.Instant($"after {probes} probes");
            Assert.Equal((0u, 0), (stalled.ClientAtClient.SndWnd, stalled.ClientAtClient.InFlightBytes));
            Assert.True(ProbesOf(lab) >= probes);
        }

        TruthLab.Until(() => (unread -= TruthLab.Read(lab.Server, unread)) == 0, "the rest of the data");
        TruthInstant open = lab.Quiet("the window opened again");
        Assert.True(open.ClientAtClient.SndWnd > 0);
        Assert.Equal(KernelCounters.Read(lab.ClientHost)["TCPWinProbe"], ProbesOf(lab));
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork, true)]
    [InlineData(AddressFamily.InterNetwork, false)]
    [InlineData(AddressFamily.InterNetworkV6, true)]
    [InlineData(AddressFamily.InterNetworkV6, false)]
    public void A_reset_with_data_under_way(AddressFamily family, bool byClient)
    {
        using TruthLab lab = Lab(family);
        TruthLab.Transfer(lab.Client, lab.Server, 10_000);
        TruthLab.Transfer(lab.Server, lab.Client, 10_000);
        lab.Quiet("before the reset");
        lab.Hold();
        TruthLab.Write(lab.Client, 20_000);
        TruthLab.Write(lab.Server, 20_000);
        TruthInstant before = lab.Freeze();
        before.Check("data under way");
        KernelSocketState.Reset(byClient ? lab.Client : lab.Server);

        // The one that resets is closed; its peer does not know yet, and a recording at the resetting host takes the reset as arrived.
        TruthInstant sent = lab.Freeze();
        CheckReset(before, sent, byClient, "reset under way");
        Assert.Equal((TcpState.Closed, TcpState.Established), byClient ? (sent.ClientAtClient.State, sent.ServerAtServer.State) : (sent.ServerAtServer.State, sent.ClientAtClient.State));
        Assert.Equal((TcpState.Closed, TcpState.Closed), byClient ? (sent.ServerAtClient.State, sent.ClientAtClient.State) : (sent.ClientAtServer.State, sent.ServerAtServer.State));
        lab.Release();
        TruthLab.Until(() => lab.GlanceAtClient().State == TcpState.Closed && lab.GlanceAtServer().State == TcpState.Closed, "the reset at both ends");
        TruthInstant end = lab.Freeze();
        CheckReset(before, end, byClient, "reset arrived");
        TcpSnapshot[] everywhere = [end.ClientAtClient, end.ServerAtClient, end.ClientAtServer, end.ServerAtServer, end.ClientAtRouter, end.ServerAtRouter];
        Assert.All(everywhere, model => Assert.Equal(TcpState.Closed, model.State));
    }

    private static TruthLab Lab(AddressFamily family, ImpairmentOptions? impairments = null) => new(new TruthLabOptions { Family = family, Impairments = impairments });

    private static long ProbesOf(TruthLab lab) => lab.ClientTap.Find(lab.ClientEnd, lab.ServerEnd).Counters.ZeroWindowProbes;

    // The socket that resets forgets all but its state: what its peer's rules need of it is what it said before.
    private static void CheckReset(TruthInstant before, TruthInstant now, bool byClient, string when)
    {
        (KernelSocketState kernel, TcpSnapshot model, KernelSocketState peer) = byClient
            ? (now.Server, now.ServerAtServer, before.Client)
            : (now.Client, now.ClientAtClient, before.Server);
        Assert.Empty(FieldRule.Broken(FieldRule.OwnHost, kernel.Snapshot, model, peer.Snapshot, when));
        (kernel, model) = byClient ? (now.Client, now.ClientAtClient) : (now.Server, now.ServerAtServer);
        Assert.Equal(kernel.Snapshot.State, model.State);
    }

    /// <summary>Writes until the window is closed; returns how much of it the reader has not read.</summary>
    private static int CloseWindow(TruthLab lab)
    {
        int unread = 0;
        long last = Stopwatch.GetTimestamp();
        TruthLab.Until(() =>
        {
            unread += TruthLab.Write(lab.Client, 1 << 20);
            if (Stopwatch.GetElapsedTime(last) > TimeSpan.FromSeconds(1))
            {
                // A receiver out of memory drops what its window allows, and the retransmissions wait ever longer: a little room helps.
                unread -= TruthLab.Read(lab.Server, 50_000);
                last = Stopwatch.GetTimestamp();
            }

            return lab.GlanceAtClient().IsStoppedByWindow;
        }, "a closed window");
        return unread;
    }

    // Ten segments are under way; the first is lost on the router, and what the sender sends instead stays there.
    private static TruthInstant? TryMakeGap(TruthLab lab)
    {
        TruthLab.Until(() => lab.GlanceAtClient().Queued == 0, "the last acknowledgment");
        SequenceNumber first = lab.Freeze().Client.Snapshot.SndNxt;
        int segment = SegmentBytes(lab);
        for (int i = 0; i < 10; i++)
        {
            TruthLab.Write(lab.Client, segment);
        }

        TruthLab.Until(() => lab.ToServer.Held.Any(packet => EndsAt(packet, first + (10 * segment))), "ten segments on the router");
        lab.ToServer.Release(packet => SegmentOf(packet) == first ? HeldVerdict.Drop : HeldVerdict.Accept);
        lab.ToServer.Hold();
        lab.ToClient.Release();
        TruthLab.Until(() => lab.GlanceAtClient() is var client && (client.SegmentsSacked == 9 || client.Queued < 10 * segment), "the SACK blocks");
        TruthInstant instant = lab.Freeze();
        if (instant.Server.Snapshot.RcvNxt == first && instant.Client.SegmentsSacked == 9)
        {
            instant.Check("gap");
            return instant;
        }

        // A timer's retransmission slipped through between the release and the hold.
        lab.Release();
        TruthLab.Read(lab.Server, int.MaxValue);
        return null;
    }

    private static SequenceNumber? SegmentOf(HeldPacket packet) => View(packet).TryGetTcp(out TcpView tcp) ? tcp.Sequence : null;

    private static bool EndsAt(HeldPacket packet, SequenceNumber end) =>
        View(packet) is var view && view.TryGetTcp(out TcpView tcp) && tcp.Sequence + view.PayloadLength == end;

    private static PacketView View(HeldPacket packet) => PacketView.Parse(packet.Data, LinkType.Raw, packet.OriginalLength);

    // Outside of repair TCP_MAXSEG is the size that the socket sends now.
    private static int SegmentBytes(TruthLab lab)
    {
        Span<byte> value = stackalloc byte[4];
        lab.Client.GetRawSocketOption(6, 2, value);
        return BitConverter.ToInt32(value);
    }

    private static void MidTransfer(TruthLab lab, string name)
    {
        int instants = 0;
        TruthLab.Until(() => (instants += TryMidTransfer(lab, $"{name}, instant {instants + 1}") ? 1 : 0) == 3, "three instants");
        lab.Quiet($"{name}, at rest");
    }

    private static bool TryMidTransfer(TruthLab lab, string when)
    {
        TruthLab.Transfer(lab.Client, lab.Server, TransferBytes / 3);
        lab.ToClient.Hold();
        int written = TruthLab.Write(lab.Client, 250_000);
        int answered = TruthLab.Write(lab.Server, 30_000);
        TruthInstant? instant = lab.TryFreeze();
        instant?.Check(when);
        lab.Release();
        TruthLab.Until(() =>
        {
            written -= TruthLab.Read(lab.Server, written);
            answered -= TruthLab.Read(lab.Client, answered);
            return written == 0 && answered == 0;
        }, "what was under way");
        Assert.True(instant is null || (instant.Client.Snapshot.InFlightBytes > 0 && instant.Server.Snapshot.InFlightBytes > 0));
        return instant is not null;
    }
}
