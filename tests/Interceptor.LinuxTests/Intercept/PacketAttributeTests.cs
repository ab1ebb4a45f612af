using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Interceptor.Capture.Intercept;
using Interceptor.LinuxTests.Live;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Intercept;

/// <summary>What the kernel tells of a packet besides its bytes, against what is known from elsewhere.</summary>
public sealed class PacketAttributeTests
{
    private const ushort QueueNumber = 77;
    private const int OtherUser = 4711;

    [Theory]
    [InlineData(FirewallHook.Prerouting)]
    [InlineData(FirewallHook.Input)]
    public void The_hardware_address_is_that_of_the_other_end_of_the_link(FirewallHook hook)
    {
        using NetworkLab lab = NetworkLab.Create();
        KernelTest.RequireTool("iptables");
        Assert.True(MacAddress.TryParse(LinkFile(lab.Client, NetworkLab.ClientInterface, "address"), out MacAddress peer));
        int index = int.Parse(LinkFile(lab.Server, NetworkLab.ServerInterface, "ifindex"), CultureInfo.InvariantCulture);
        using InterceptionQueue queue = lab.Server.Run(() => InterceptionQueue.Open(new InterceptionQueueOptions { Number = QueueNumber }));
        using FirewallRules rules = FirewallRules.Install(
            [new FirewallRule(hook, FlowTo(9), FirewallTarget.ToQueue(QueueNumber, bypass: false))], new FirewallOptions { Namespace = lab.Server });
        using Socket sender = lab.Client.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        sender.SendTo([1], new IPEndPoint(IPAddress.Parse(NetworkLab.ServerAddress), 9));
        LoopbackQueue.Drive(queue, 1, packet =>
        {
            Assert.Equal(peer, packet.HardwareAddress);
            Assert.Equal((index, 0), (packet.InInterface, packet.OutInterface));
            Assert.Null(packet.ConntrackMark);
            packet.Accept();
        });
    }

    [Fact]
    public void The_user_is_the_sender_and_the_mark_is_what_a_rule_set()
    {
        using var loopback = new LoopbackQueue();
        KernelTest.RequireTool("setpriv");
        using InterceptionQueue queue = loopback.OpenQueue();

        // Behind table raw, which marks them, and before the jump of table mangle is the same hook.
        Assert.Equal(0, ChildProcess.Run(
            loopback.Namespace, "iptables", "-t", "raw", "-A", "OUTPUT", "-p", "udp", "--dport", $"{loopback.Port}", "-j", "MARK", "--set-mark", "0x1234").ExitCode);
        using FirewallRules rules = loopback.Install(FirewallHook.Output);
        using var peer = new PythonPeer(loopback.Namespace, "setpriv", $"--reuid={OtherUser}", $"--regid={OtherUser + 1}", "--clear-groups");
        peer.Tell($"s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, 3); s.sendto(b'abcd', ('127.0.0.1', {loopback.Port}))");
        LoopbackQueue.Drive(queue, 1, packet =>
        {
            Assert.Equal((OtherUser, OtherUser + 1), (packet.UserId, packet.GroupId));
            Assert.Equal((0x1234u, 3u), (packet.Mark, packet.Priority));
            Assert.Null(packet.HardwareAddress);
            packet.Accept();
        });
    }

    [Fact]
    public void The_lines_of_intercept_have_what_is_known()
    {
        using NetworkLab lab = NetworkLab.Create();
        KernelTest.RequireTool("iptables");
        using Socket receiver = lab.Server.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        receiver.Bind(new IPEndPoint(IPAddress.Parse(NetworkLab.ServerAddress), 0));
        using System.Diagnostics.Process child = ChildProcess.Start(
            lab.Server, "dotnet", CliProcess.AssemblyPath, "intercept", "--json", "-c", "2", $"udp port {((IPEndPoint)receiver.LocalEndPoint!).Port}");
        while (child.StandardError.ReadLine() is { } line && !line.Contains("rules in place", StringComparison.Ordinal))
        {
        }

        using Socket sender = lab.Client.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        sender.SendTo([1], receiver.LocalEndPoint!);
        EndPoint from = new IPEndPoint(IPAddress.Any, 0);
        receiver.ReceiveFrom(new byte[8], ref from);
        const int SolSocket = 1;
        const int SoMark = 36;
        receiver.SetRawSocketOption(SolSocket, SoMark, BitConverter.GetBytes(77));
        receiver.SendTo([2], from);
        JsonElement[] lines = [.. child.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(3, lines.Length);
        Assert.Equal(LinkFile(lab.Client, NetworkLab.ClientInterface, "address"), lines[0].GetProperty("hardware_address").GetString());
        Assert.Equal(NetworkLab.ServerInterface, lines[0].GetProperty("in_interface").GetString());
        Assert.False(lines[0].TryGetProperty("out_interface", out _) || lines[0].TryGetProperty("mark", out _) || lines[0].TryGetProperty("conntrack_mark", out _));
        Assert.Equal(NetworkLab.ServerInterface, lines[1].GetProperty("out_interface").GetString());
        Assert.Equal((0, 77), (lines[1].GetProperty("uid").GetInt32(), lines[1].GetProperty("mark").GetInt32()));
        Assert.False(lines[1].TryGetProperty("in_interface", out _) || lines[1].TryGetProperty("hardware_address", out _));
    }

    private static string LinkFile(Interceptor.Interop.NetworkNamespace network, string name, string file)
    {
        ChildResult shown = ChildProcess.Run(network, "ip", "-o", "link", "show", "dev", name);
        string[] words = shown.Output.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return file == "ifindex" ? words[0].TrimEnd(':') : words[Array.IndexOf(words, "link/ether") + 1];
    }

    private static FirewallMatch FlowTo(ushort port)
    {
        Assert.True(FlowEndpoint.TryParse($"{NetworkLab.ClientAddress}:0", out FlowEndpoint client));
        Assert.True(FlowEndpoint.TryParse($"{NetworkLab.ServerAddress}:{port}", out FlowEndpoint server));
        return new FirewallMatch { Flow = new FlowKey(client, server, (byte)IpProtocol.Udp) };
    }
}
