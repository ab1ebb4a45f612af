using System.Globalization;
using System.Net.Sockets;
using Interceptor.Capture.Files;
using Interceptor.Capture.Intercept;
using Interceptor.Capture.Live;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Replay;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary>What a restored socket gets from an image or a capture is not sent again by its peer. A patient peer waits for half a minute before it sends again what nobody acknowledged.</summary>
public sealed class ReinjectionTests : IDisposable
{
    private const int Patient = 30_000_000;
    private const int Quick = 20_000;

    /// <summary>With headers between the two lengths that the rule of <see cref="SendBehindAGap"/> names.</summary>
    private const int LostBytes = 700;
    private readonly string _directory = Directory.CreateTempSubdirectory("reinjection-").FullName;
    private NetworkNamespace? _namespace;
    private SessionImage? _frozen;

    private string Image => Path.Combine(_directory, "image");

    private string Capture => Path.Combine(_directory, "connection.pcapng");

    [Fact]
    public void Packets_held_while_the_connection_was_frozen_arrive_without_being_sent_again_and_each_once()
    {
        using TcpLink link = Connect(Patient);
        List<HeldSessionPacket> held = Freeze(link, ["one ", "two"]);
        WriteImage(link, held: [held[0], held[1], held[0]]);
        using RestoredSession session = link.Namespace.Run(() => SessionRestore.Resume(Image));
        using Socket restored = session.Socket.TakeSocket();
        Assert.Equal(TcpLink.Sha256("one two"u8), TcpLink.ReadSha256(restored, 7));
        Assert.Equal(0u, Info(link.Client).tcpi_total_retrans);
        Assert.Equal(new ReinjectionCount(Kept: 3, Sent: 2, Left: 1, Failed: 0, Trimmed: 0), session.Reinjected);
    }

    [Fact]
    public void Without_the_held_packets_the_peer_has_to_send_them_again()
    {
        using TcpLink link = Connect(Quick);
        _ = Freeze(link, ["one ", "two"]);
        WriteImage(link, held: []);
        using RestoredSession session = link.Namespace.Run(() => SessionRestore.Resume(Image));
        using Socket restored = session.Socket.TakeSocket();
        Assert.Equal(TcpLink.Sha256("one two"u8), TcpLink.ReadSha256(restored, 7));
        Assert.NotEqual(0u, Info(link.Client).tcpi_total_retrans);
    }

    [Fact]
    public void Out_of_order_data_comes_from_a_capture_without_being_sent_again()
    {
        using TcpLink link = Connect(Patient);
        byte[] data = SendBehindAGap(link);
        Take(link);
        uint before = Info(link.Client).tcpi_total_retrans;
        using RestoredSession session = link.Namespace.Run(() => SessionRestore.Resume(Image, new SessionRestoreOptions { PacketsFrom = Capture }));
        using Socket restored = session.Socket.TakeSocket();
        Assert.Equal(TcpLink.Sha256(data), TcpLink.ReadSha256(restored, data.Length));
        Assert.Equal(before, Info(link.Client).tcpi_total_retrans);
        Assert.True(session.Reinjected.Sent >= 2, session.Reinjected.ToString());
        link.Client.Send("more"u8);
        Assert.Equal(TcpLink.Sha256("more"u8), TcpLink.ReadSha256(restored, 4));
    }

    [Fact]
    public void Without_a_capture_the_peer_has_to_send_out_of_order_data_again_that_it_knew_to_have_arrived()
    {
        using TcpLink link = Connect(Quick);
        byte[] data = SendBehindAGap(link);
        Take(link);
        ulong before = Info(link.Client).tcpi_bytes_retrans;
        using RestoredSession session = link.Namespace.Run(() => SessionRestore.Resume(Image));
        using Socket restored = session.Socket.TakeSocket();
        Assert.Equal(TcpLink.Sha256(data), TcpLink.ReadSha256(restored, data.Length));
        Assert.True(Info(link.Client).tcpi_bytes_retrans - before >= (ulong)data.Length, "Everything behind the gap, and the gap.");
    }

    public void Dispose()
    {
        _namespace?.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private TcpLink Connect(int rtoMicroseconds)
    {
        _namespace = TcpLink.CreateNamespace();
        _namespace.Run(() =>
        {
            File.WriteAllText("/proc/sys/net/ipv4/tcp_rto_min_us", rtoMicroseconds.ToString(CultureInfo.InvariantCulture));
            File.WriteAllText("/proc/sys/net/ipv4/tcp_early_retrans", "0");
        });
        return new TcpLink(_namespace, null, static client => client.NoDelay = true, LinkFamily.Ipv4);
    }

    /// <summary>Takes the server's side away while its packets are held, and lets the peer send; returns what was held of it. Then the connection is locked.</summary>
    private List<HeldSessionPacket> Freeze(TcpLink link, string[] texts)
    {
        using SessionHold hold = SessionHold.Open(link.Namespace, link.ServerEndpoint, link.ClientEndpoint, queues: null, InterceptionQueueFlags.None);
        hold.InstallRules();
        hold.Hold();
        using PausedSocket paused = link.Attach();
        paused.Pause();
        SessionImage image = paused.Dump();
        paused.CloseSilently();
        foreach (string text in texts)
        {
            link.Client.Send(System.Text.Encoding.ASCII.GetBytes(text));
        }

        TcpLink.WaitUntil(() => hold.CopyHeld().Count(static packet => packet.IsInbound) == texts.Length, "the peer's packets in the hold");
        SessionLockRules.Install(image, link.Namespace);
        _frozen = image with { Lock = SessionLockRules.For(image) };
        List<HeldSessionPacket> held = [.. hold.CopyHeld().Where(static packet => packet.IsInbound)];
        hold.DropAll();
        return held;
    }

    private void WriteImage(TcpLink link, IReadOnlyList<HeldSessionPacket> held)
    {
        Assert.Equal(link.ServerEndpoint, _frozen!.Snapshot.Local);
        SessionFiles.Write(Image, _frozen with { HeldPackets = held });
    }

    /// <summary>The first segment is lost on its way, as often as it is sent; what follows waits for it at the server. The capture has it all, as it listens before the loss.</summary>
    private byte[] SendBehindAGap(TcpLink link)
    {
        link.Namespace.Run(() => TcpLink.Run("iptables", $"-w 5 -A INPUT -p tcp --dport {link.ServerEndpoint.Port} -m length --length {LostBytes}:{LostBytes + 99} -j DROP"));
        using LiveCapture capture = link.Namespace.Run(() => LiveCapture.Open(new LiveCaptureOptions { Interface = "lo", Filter = $"tcp dst port {link.ServerEndpoint.Port}" }));
        byte[] data = TcpLink.Pattern(9, LostBytes + 1000);
        link.Client.Send(data.AsSpan(0, LostBytes));
        link.Client.Send(data.AsSpan(LostBytes));
        TcpLink.WaitUntil(() => Info(link.Server).tcpi_rcv_ooopack >= 1, "data behind the gap");
        using CaptureFileWriter writer = CaptureFile.Create(Capture);
        writer.AddInterface(capture.Descriptions[0]);
        int captured = 0;
        TcpLink.WaitUntil(
            () =>
            {
                if (capture.TryTake(out PacketLease? lease))
                {
                    using (lease)
                    {
                        captured += lease.Packet.Parse().Payload.Length;
                        writer.Write(lease.Packet);
                    }
                }

                return captured >= data.Length;
            },
            "the capture to have it all");
        writer.Commit();
        return data;
    }

    /// <summary>From here on nothing gets lost.</summary>
    private void Take(TcpLink link)
    {
        SessionCheckpoint.Take(new SessionCheckpointOptions
        {
            Pid = Environment.ProcessId,
            Local = link.ServerEndpoint,
            Peer = link.ClientEndpoint,
            Directory = Image,
        });
        link.Namespace.Run(() => TcpLink.Run("iptables", "-w 5 -F INPUT"));
    }

    private static Libc.tcp_info Info(Socket socket)
    {
        var bytes = new byte[280];
        socket.GetRawSocketOption(Libc.IPPROTO_TCP, Libc.TCP_INFO, bytes);
        return System.Runtime.InteropServices.MemoryMarshal.Read<Libc.tcp_info>(bytes);
    }
}
