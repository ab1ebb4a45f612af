using System.Net;
using System.Net.Sockets;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.LinuxTests.Tcp;
using Interceptor.Packets;
using Interceptor.Replay;
using Interceptor.Tcp;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary>
/// What measuring the kernel showed before this was built, each finding with a test, here or in the class that is named:
/// 1 hold at PREROUTING; 2 the segment size; 3 the running clock; 4 selecting the send queue; 5 <see cref="PausedSocketTests"/> (listening again); 6 the window probe; 7 BBR; 8 base
/// chains, <c>FirewallRulesTests</c>; 9 the holder's death, <c>GuardTests</c> and <c>MoveGuardTests</c>; 10 what counts as sent; 11 <see cref="PausedSocketTests"/> (urgent data, SO_PEEK_OFF);
/// 12 the advertised window; 13 <c>KernelTruthTests</c>, <see cref="FromCaptureTests"/> (packets tell what the kernel knows); 14 <see cref="StateMatrixTests"/> (data behind a gap);
/// 15 ECN; 16 the silent close; 17 a takeover with and without a lock. The eighteenth, output commit, has nothing yet that could be tested.
/// </summary>
public sealed class CheckpointFindingsTests
{
    [Theory]
    [InlineData("PREROUTING", false)]
    [InlineData("INPUT", true)]
    public void F01_What_is_held_at_prerouting_reaches_the_new_socket_and_at_input_the_dead_one(string hook, bool isLost)
    {
        // Over a link: what comes over the loopback is looked up late anyhow.
        using NetworkLab lab = NetworkLab.Create();
        if (!isLost)
        {
            // A slow machine makes nobody send again what only waits.
            lab.Client.Run(static () => File.WriteAllText("/proc/sys/net/ipv4/tcp_rto_min_us", "5000000"));
        }

        using Socket listener = lab.Server.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Parse(NetworkLab.ServerAddress), 0));
        listener.Listen();
        using Socket client = lab.Client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        client.Connect(listener.LocalEndPoint!);
        using Socket server = listener.Accept();
        FlowEndpoint local = StreamServer.EndpointOf(server.LocalEndPoint!);
        lab.Server.Run(() => TcpLink.Run("iptables", $"-w 5 -t mangle -A {hook} -p tcp --dport {local.Port} -j NFQUEUE --queue-num 7"));
        using PacketHold hold = PacketHold.Start(new InterceptionQueueOptions { Number = 7 }, HoldDirection.In, lab.Server);
        hold.Hold();
        client.Send("held"u8);
        TcpLink.WaitUntil(() => hold.HeldCount > 0, "the held packet");
        uint before = KernelSocketState.Retransmissions(client);
        using PausedSocket paused = PausedSocket.Attach(SocketFinder.Find(Environment.ProcessId, local, StreamServer.EndpointOf(client.LocalEndPoint!)));
        paused.Pause();
        SessionImage image = paused.Dump();
        paused.CloseSilently();
        RestoredSocket restored = lab.Server.Run(() => SessionRestorer.Restore(image));
        restored.Resume();
        using Socket socket = restored.TakeSocket();
        hold.Release();
        Assert.Equal(TcpLink.Sha256("held"u8), TcpLink.ReadSha256(socket, 4));
        Assert.Equal(isLost, KernelSocketState.Retransmissions(client) > before);
    }

    [Fact]
    public void F02_The_segment_size_is_the_original_one_with_a_saturated_window()
    {
        using var link = new TcpLink(configureClient: static client => client.ReceiveBufferSize = 16_384);
        byte[] toClient = TcpLink.Fill(link.Server, seed: 1);
        TcpLink.WaitUntil(() => KernelSocketState.Glance(link.Server).IsStoppedByWindow, "a full window");
        (SessionImage image, Socket restored) = link.Move();
        using (restored)
        {
            Assert.Equal(image.Counters.SendMss, RestoreTests.Info(restored).tcpi_snd_mss);
            Assert.Equal(TcpLink.Sha256(toClient), TcpLink.ReadSha256(link.Client, toClient.Length));
            Assert.Equal(image.Counters.SendMss, RestoreTests.Info(restored).tcpi_snd_mss);
        }
    }

    [Fact]
    public void F03_What_the_old_socket_sent_behind_the_cut_does_not_make_the_new_one_look_old()
    {
        const int Newer = 40;
        using var link = new TcpLink();
        link.Namespace.Run(() => TcpLink.Run("iptables", $"-w 5 -t mangle -A OUTPUT -p tcp --sport {link.ServerEndpoint.Port} -j NFQUEUE --queue-num 7"));
        using PacketHold hold = PacketHold.Start(new InterceptionQueueOptions { Number = 7 }, HoldDirection.Out, link.Namespace);
        hold.Hold();
        link.Server.Send("probed"u8);
        SessionImage image;
        using (PausedSocket cut = link.Attach())
        {
            cut.Pause();
            image = cut.Dump();
        }

        // Out of repair it goes on, and speaks while it is held: with a clock that is newer than the cut's.
        TcpLink.WaitUntil(() => Clock.BootTimeNanoseconds() - image.CutBootTimeNanoseconds > Newer * 1_000_000L, "time to pass");
        link.Server.Send(" later"u8);
        TcpLink.WaitUntil(() => hold.Held.Any(packet => TimestampOf(packet) is { } value && (int)(value - image.Snapshot.TimestampValue) >= Newer), "a newer segment");
        RestoredSocket restored;
        using (PausedSocket paused = link.Attach())
        {
            paused.Pause();
            paused.CloseSilently();
            restored = link.Namespace.Run(() => SessionRestorer.Restore(image));
        }

        // All of it, also what the policy would drop.
        long refused = KernelCounters.Read(link.Namespace)["PAWSEstab"];
        hold.Release();
        restored.Resume();
        using Socket socket = restored.TakeSocket();
        socket.Send(" later"u8);
        Assert.Equal(TcpLink.Sha256("probed later"u8), TcpLink.ReadSha256(link.Client, 12));
        Transfer(socket, link.Client, TcpLink.Pattern(3, 200_000));
        Assert.Equal(refused, KernelCounters.Read(link.Namespace)["PAWSEstab"]);
    }

    [Fact]
    public void F04_What_was_never_sent_stays_so_though_the_peer_opens_its_window_during_a_snapshot()
    {
        using var link = new TcpLink(configureClient: static client => client.ReceiveBufferSize = 16_384);
        byte[] toClient = TcpLink.Fill(link.Server, seed: 1);
        TcpLink.WaitUntil(() => KernelSocketState.Glance(link.Server).IsStoppedByWindow, "a full window");
        link.Namespace.Run(() => TcpLink.Run("iptables", $"-w 5 -t mangle -A PREROUTING -p tcp --dport {link.ServerEndpoint.Port} -j NFQUEUE --queue-num 7"));
        using PacketHold hold = PacketHold.Start(new InterceptionQueueOptions { Number = 7 }, HoldDirection.In, link.Namespace);
        hold.Hold();
        int read = link.Client.Available;
        string first = TcpLink.ReadSha256(link.Client, read);
        Assert.Equal(TcpLink.Sha256(toClient.AsSpan(0, read)), first);
        TcpLink.WaitUntil(() => hold.HeldCount > 0, "the window update");
        int unsent = KernelSocketState.Glance(link.Server).Unsent;
        using (PausedSocket paused = link.Attach())
        {
            paused.Pause();
            Assert.Equal(unsent, paused.Dump().Snapshot.UnsentBytes);
            Assert.Equal(unsent, paused.Dump().Snapshot.UnsentBytes);
        }

        Assert.Equal(unsent, KernelSocketState.Glance(link.Server).Unsent);
        uint before = KernelSocketState.Retransmissions(link.Server);
        hold.Release();
        Assert.Equal(TcpLink.Sha256(toClient.AsSpan(read)), TcpLink.ReadSha256(link.Client, toClient.Length - read));
        Assert.Equal(before, KernelSocketState.Retransmissions(link.Server));
    }

    [Fact]
    public void F06_The_window_probe_brings_lost_acknowledgements_before_any_timeout()
    {
        using var link = new TcpLink();
        byte[] toClient;
        SessionImage image;
        RestoredSocket restored;

        // Delivered, and the acknowledgements lost.
        using (link.LoseFromClient())
        {
            toClient = TcpLink.Fill(link.Server, seed: 1, limit: 5_000);
            TcpLink.WaitUntil(() => link.Client.Available == toClient.Length, "the data at the client");
            using PausedSocket paused = link.Attach();
            paused.Pause();
            image = paused.Dump();
            paused.CloseSilently();
            restored = link.Namespace.Run(() => SessionRestorer.Restore(image));
        }

        Assert.Equal(toClient.Length, image.Snapshot.InFlightBytes);
        Assert.True(RestoreTests.Info(restored.Descriptor).tcpi_rto >= 1_000_000, "A restored socket knows no round-trip time.");
        restored.Resume(probe: true);
        using Socket socket = restored.TakeSocket();
        TcpLink.WaitUntil(() => KernelSocketState.Glance(socket).Queued == 0, "the acknowledgement");
        Assert.Equal(0u, KernelSocketState.Retransmissions(socket));
    }

    [Fact]
    public void F07_Bbr_is_restored_as_bbr_and_starts_from_the_initial_window()
    {
        using var link = new TcpLink();
        using (FileDescriptor server = RestoreTests.Duplicate(link.Server))
        {
            Assert.SkipUnless(NativeSocket.TrySet(server, Libc.IPPROTO_TCP, Libc.TCP_CONGESTION, "bbr"u8) == 0, "This kernel has no bbr.");
        }

        byte[] toClient = TcpLink.Pattern(1, 1 << 20);
        Transfer(link.Server, link.Client, toClient);
        (SessionImage image, Socket restored) = link.Move();
        using (restored)
        {
            const uint InitialWindow = 10;
            Assert.Equal("bbr", image.Settings.CongestionControl);
            Assert.True(image.Counters.CongestionWindow > InitialWindow, $"{image.Counters.CongestionWindow}");
            using FileDescriptor descriptor = RestoreTests.Duplicate(restored);
            Assert.Equal("bbr", SocketSettingsIo.ReadName(descriptor, Libc.IPPROTO_TCP, Libc.TCP_CONGESTION));
            Assert.Equal(InitialWindow, RestoreTests.Info(restored).tcpi_snd_cwnd);
            Transfer(restored, link.Client, toClient);
            Assert.True(RestoreTests.Info(restored).tcpi_snd_cwnd > InitialWindow, "It grows again.");
        }
    }

    [Theory]
    [InlineData(SessionLockKind.Drop, 4_000)]
    [InlineData(SessionLockKind.Hold, 0)]
    public void F10_A_dropped_segment_counts_as_unsent_and_a_held_one_as_sent(SessionLockKind kind, int unsent)
    {
        using var link = new TcpLink();
        using PacketHold? hold = kind == SessionLockKind.Hold ? PacketHold.Start(new InterceptionQueueOptions { Number = 7 }, HoldDirection.Out, link.Namespace) : null;
        hold?.Hold();
        string target = hold is null ? "DROP" : "NFQUEUE --queue-num 7";
        link.Namespace.Run(() => TcpLink.Run("iptables", $"-w 5 -t mangle -A OUTPUT -p tcp --sport {link.ServerEndpoint.Port} -j {target}"));
        byte[] toClient = TcpLink.Fill(link.Server, seed: 1, limit: 4_000);
        using PausedSocket paused = link.Attach();
        paused.Pause();
        SessionImage image = paused.Dump();
        Assert.Equal((toClient.Length, unsent), (image.Snapshot.QueuedBytes, image.Snapshot.UnsentBytes));

        // Either way all of it arrives.
        paused.CloseSilently();
        RestoredSocket restored = link.Namespace.Run(() => SessionRestorer.Restore(image));
        link.Namespace.Run(() => TcpLink.Run("iptables", $"-w 5 -t mangle -D OUTPUT -p tcp --sport {link.ServerEndpoint.Port} -j {target}"));
        hold?.Release();
        restored.Resume();
        using Socket socket = restored.TakeSocket();
        Assert.Equal(TcpLink.Sha256(toClient), TcpLink.ReadSha256(link.Client, toClient.Length));
    }

    [Fact]
    public void F12_The_peer_is_promised_no_more_than_the_receive_buffer_holds()
    {
        using var link = new TcpLink(listener => listener.ReceiveBufferSize = 64 * 1024);
        TcpLink.Fill(link.Client, seed: 1);
        TcpLink.WaitUntil(() => KernelSocketState.Glance(link.Client).Unsent > 0 && link.Server.Available > 16 * 1024, "a filled receive queue");
        long pruned = Pruned(link);
        (SessionImage image, Socket restored) = link.Move();
        using (restored)
        {
            TcpLink.WaitUntil(() => KernelSocketState.Glance(restored).Queued == 0, "the probe's answer");
            Assert.InRange(KernelSocketState.Glance(link.Client).SendWindow, 0u, (uint)image.Settings.ReceiveBuffer);
            Assert.Equal(pruned, Pruned(link));
        }
    }

    [Fact]
    public void F15_Ecn_is_lost_and_the_image_says_so()
    {
        using NetworkNamespace ns = TcpLink.CreateNamespace();
        ns.Run(() => File.WriteAllText("/proc/sys/net/ipv4/tcp_ecn", "1"));
        using var link = new TcpLink(ns, null, null, LinkFamily.Ipv4);
        Assert.NotEqual(0, RestoreTests.Info(link.Server).tcpi_options & Libc.TCPI_OPT_ECN);
        using PausedSocket paused = link.Attach();
        paused.Pause();
        SessionImage image = paused.Dump();
        Assert.True(image.HadEcn);
        Assert.Equal([SessionImage.EcnWarning], image.Warnings);
        paused.CloseSilently();
        using RestoredSocket restored = ns.Run(() => SessionRestorer.Restore(image));
        Assert.Equal([SessionImage.EcnWarning], restored.Warnings);
        restored.Resume();
        Assert.Equal(0, RestoreTests.Info(restored.Descriptor).tcpi_options & Libc.TCPI_OPT_ECN);
    }

    [Fact]
    public void F16_The_original_is_closed_without_a_packet_while_its_owner_has_the_descriptor()
    {
        using var link = new TcpLink();
        KernelCounters before = KernelCounters.Read(link.Namespace);
        using PausedSocket paused = link.Attach();
        paused.Pause();
        SessionImage image = paused.Dump();
        paused.CloseSilently();
        Assert.Equal(TcpState.Closed, KernelSocketState.StateOf(link.Server));
        KernelCounters after = KernelCounters.Read(link.Namespace);
        Assert.Equal((before["OutSegs"], before["OutRsts"]), (after["OutSegs"], after["OutRsts"]));
        Assert.Equal(TcpState.Established, KernelSocketState.StateOf(link.Client));
        RestoredSocket restored = link.Namespace.Run(() => SessionRestorer.Restore(image));
        restored.Resume();
        using Socket socket = restored.TakeSocket();
        link.Client.Send("there"u8);
        Assert.Equal(TcpLink.Sha256("there"u8), TcpLink.ReadSha256(socket, 5));
    }

    [Theory]
    [InlineData(SessionLockKind.Drop, 0)]
    [InlineData(SessionLockKind.None, 1)]
    public void F17_Between_close_and_restore_only_a_lock_keeps_the_peer_from_a_reset(SessionLockKind kind, int resets)
    {
        using var link = new TcpLink();
        using PausedSocket paused = link.Attach();
        paused.Pause();
        SessionImage image = paused.Dump();
        FirewallRules? rules = kind == SessionLockKind.None ? null : SessionLockRules.Install(image, link.Namespace);
        paused.CloseSilently();
        link.Client.Send("anybody?"u8);
        Assert.Equal(resets, link.ResetsSent());
        Assert.Equal(resets == 0 ? TcpState.Established : TcpState.Closed, KernelSocketState.StateOf(link.Client));
        rules?.Remove();
    }

    private static void Transfer(Socket from, Socket to, byte[] data)
    {
        var writer = new Thread(() => from.Send(data)) { IsBackground = true };
        writer.Start();
        Assert.Equal(TcpLink.Sha256(data), TcpLink.ReadSha256(to, data.Length));
        Assert.True(writer.Join(TcpLink.Deadline));
    }

    private static long Pruned(TcpLink link)
    {
        KernelCounters counters = KernelCounters.Read(link.Namespace);
        return counters["PruneCalled"] + counters["RcvPruned"];
    }

    private static uint? TimestampOf(HeldPacket packet) =>
        PacketView.Parse(packet.Data, LinkType.Raw, packet.OriginalLength).TryGetTcp(out TcpView tcp) && TcpOptionSummary.Read(tcp) is { HasTimestamps: true } options
            ? options.TimestampValue
            : null;
}
