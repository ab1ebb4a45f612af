using System.Net.Sockets;
using System.Text.Json;
using Interceptor.Capture.Injection;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Replay;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary>A connection goes on in another namespace than it was taken in, as on another host: the address is taken over, and tracking told.</summary>
public sealed class RestoreElsewhereTests
{
    private const string Successor = "import socket; s = socket.socket(fileno=3); s.setblocking(True); s.recv(12, socket.MSG_WAITALL); s.sendall(b'back'); s.recv(1)";

    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    public void The_peer_finds_the_address_at_its_new_place_by_our_announcement_and_not_before(int ipVersion)
    {
        using var lab = new BridgedLab(ipVersion);
        lab.TakeAndMoveAddress();
        using RestoredSession session = lab.Destination.Run(() => SessionRestore.Resume(lab.Image));
        Assert.False(session.LockRemoved);
        using Socket socket = session.Socket.TakeSocket();
        Assert.Equal(lab.SourceHardware, lab.PeersEntry());
        using (AddressAnnouncer announcer = lab.Destination.Run(() => AddressAnnouncer.Open(Parse(lab.Address))))
        {
            Assert.Equal(["dst0"], announcer.Interfaces);
            Assert.Equal(1, lab.Destination.Run(announcer.Announce));
        }

        TcpLink.WaitUntil(() => lab.PeersEntry() == lab.DestinationHardware, "the peer's new entry");
        lab.AssertGoesOn(socket);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    public async Task The_command_restores_in_another_namespace_and_announces_the_address(int ipVersion)
    {
        KernelTest.RequireTool("python3");
        using var lab = new BridgedLab(ipVersion);
        lab.TakeAndMoveAddress();
        Assert.Equal(1, CliProcess.Run("restore", "--netns", lab.Source.Path, lab.Image, "--", "true").ExitCode);
        Task<CliResult> restore = Task.Factory.StartNew(
            () => CliProcess.Run("restore", "--json", "--netns", lab.Destination.Path, "--announce", lab.Image, "--", "python3", "-c", Successor), TaskCreationOptions.LongRunning);
        TcpLink.WaitUntil(() => lab.PeersEntry() == lab.DestinationHardware, "the peer's new entry");
        lab.Client.Send("after"u8);
        Assert.Equal(TcpLink.Sha256("back"u8), TcpLink.ReadSha256(lab.Client, 4));
        lab.Client.Shutdown(SocketShutdown.Send);
        CliResult result = await restore.WaitAsync(TcpLink.Deadline);
        Assert.True(result.ExitCode == 0, result.ToString());
        JsonElement summary = JsonDocument.Parse(result.Lines[0]).RootElement;
        Assert.Equal(["dst0"], summary.GetProperty("announced_on").EnumerateArray().Select(name => name.GetString()));
        Assert.False(summary.GetProperty("lock_removed").GetBoolean());
        string id = summary.GetProperty("image_id").GetString()!;
        Assert.Contains($"cleanup --lock interceptor:lock:{id} --netns", result.Error, StringComparison.Ordinal);

        // The source goes on dropping until it is told that it is over.
        CliResult other = CliProcess.Run("cleanup", "--lock", "00000000", "--netns", lab.Source.Path);
        Assert.Equal(1, other.ExitCode);
        Assert.Contains("there is no lock 00000000", other.Error, StringComparison.Ordinal);
        Assert.Contains($"of lock {id}", other.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("removed", other.Output, StringComparison.Ordinal);
        CliResult cleanup = CliProcess.Run("cleanup", "--lock", $"interceptor:lock:{id}", "--netns", lab.Source.Path);
        Assert.True(cleanup.ExitCode == 0, cleanup.ToString());
        Assert.Contains($"of lock {id}", cleanup.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("kept", cleanup.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    public void Strict_connection_tracking_is_told_of_the_connection_before_its_first_packet(int ipVersion)
    {
        using var lab = new BridgedLab(ipVersion);
        lab.TakeAndMoveAddress();
        string tool = ipVersion == 4 ? "iptables" : "ip6tables";
        lab.Destination.Run(() =>
        {
            TcpLink.Run(tool, "-A OUTPUT -m conntrack --ctstate INVALID -j DROP");
            TcpLink.Run(tool, "-A INPUT -m conntrack --ctstate INVALID -j DROP");
            File.WriteAllText("/proc/sys/net/netfilter/nf_conntrack_tcp_loose", "0");
        });
        using (RestoredSession untracked = lab.Destination.Run(() => SessionRestore.Resume(lab.Image, new SessionRestoreOptions { Announce = true, Track = false })))
        {
            Assert.True(DroppedAtOutput(lab, tool) > 0, "The rules must drop what tracking does not know, or this test shows nothing.");
            lab.Destination.Run(untracked.TakeBack);
        }

        long dropped = DroppedAtOutput(lab, tool);
        using RestoredSession session = lab.Destination.Run(() => SessionRestore.Resume(lab.Image));
        Assert.True(session.TrackingInserted);
        Assert.Empty(session.Socket.Warnings);
        Assert.Equal(TrackingOutcome.Known, lab.Destination.Run(() => ConnectionTracking.Ensure(session.Image.Snapshot, out _)));
        using Socket socket = session.Socket.TakeSocket();
        lab.AssertGoesOn(socket);
        Assert.Equal(dropped, DroppedAtOutput(lab, tool));
    }

    [Fact]
    public void A_set_is_told_to_strict_tracking_too_and_says_where_an_address_could_not_be_announced()
    {
        using NetworkNamespace ns = TcpLink.CreateNamespace();
        using var server = new StreamServer(ns, idle: true);
        using Socket client = server.Connect(ns);
        string directory = Directory.CreateTempSubdirectory("restore-set-").FullName;
        try
        {
            string set = Path.Combine(directory, "set");
            SessionSetCheckpoint.Take(new SessionSetCheckpointOptions { Pid = server.Pid, Directory = set, KillOwner = true });
            ns.Run(() =>
            {
                TcpLink.Run("iptables", "-A OUTPUT -m conntrack --ctstate INVALID -j DROP");
                File.WriteAllText("/proc/sys/net/netfilter/nf_conntrack_tcp_loose", "0");
            });
            using SessionSetRestored restored = ns.Run(() => SessionSetRestore.Resume(set, new SessionRestoreOptions { Announce = true }));
            int at = Enumerable.Range(0, restored.Images.Count).Single(i => restored.Images[i].Snapshot.State == Interceptor.Tcp.TcpState.Established);
            Assert.Contains(restored.Sockets.SelectMany(static socket => socket.Warnings), static warning => warning.Contains("127.0.0.1 was not announced", StringComparison.Ordinal));
            using Socket socket = restored.Sockets[at].TakeSocket();
            socket.Send("goes on"u8);
            Assert.Equal(TcpLink.Sha256("goes on"u8), TcpLink.ReadSha256(client, 7));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public void Where_nothing_is_tracked_no_entry_is_made()
    {
        using var taken = new TakenSession();
        using RestoredSession session = taken.Namespace.Run(() => SessionRestore.Resume(taken.Image));
        Assert.False(session.TrackingInserted);
    }

    [Fact]
    public void A_check_tells_of_a_way_back_that_the_kernel_would_not_believe()
    {
        using var taken = new TakenSession();
        using NetworkNamespace here = KernelTest.CreateNamespace("here");
        using NetworkNamespace there = KernelTest.CreateNamespace("there");
        using VethLink first = VethLink.Create(here, "first", "10.77.6.2/24", there, "far1", "10.77.6.1/24");
        using VethLink second = VethLink.Create(here, "second", "10.77.7.2/24", there, "far2", "10.77.7.1/24");
        BridgedLab.Ip(here, "route add 10.77.8.0/24 via 10.77.7.1");
        SessionImage image = taken.Taken with
        {
            Snapshot = taken.Taken.Snapshot with { Local = new FlowEndpoint(Parse("10.77.6.2"), 80), Peer = new FlowEndpoint(Parse("10.77.8.9"), 4000) },
        };
        SetFilter("0");
        Assert.DoesNotContain("rp-filter", Codes());
        SetFilter("1");
        Assert.Contains("rp-filter", Codes());
        BridgedLab.Ip(here, "route add 10.77.8.9 via 10.77.6.1");
        Assert.DoesNotContain("rp-filter", Codes());

        IEnumerable<string> Codes() => here.Run(() => RestorePreflight.Inspect(image)).Select(static obstacle => obstacle.Code);
        void SetFilter(string value) => here.Run(() =>
        {
            File.WriteAllText("/proc/sys/net/ipv4/conf/all/rp_filter", "0");
            File.WriteAllText("/proc/sys/net/ipv4/conf/first/rp_filter", value);
        });
    }

    private static IpAddress Parse(string text) => IpAddress.TryParse(text, out IpAddress address) ? address : throw new ArgumentException(text, nameof(text));

    private static long DroppedAtOutput(BridgedLab lab, string tool)
    {
        ChildResult result = ChildProcess.Run(lab.Destination, tool, "-vnxL", "OUTPUT");
        string rule = result.Output.Split('\n').Single(line => line.Contains("INVALID", StringComparison.Ordinal));
        return long.Parse(rule.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0], System.Globalization.CultureInfo.InvariantCulture);
    }
}
