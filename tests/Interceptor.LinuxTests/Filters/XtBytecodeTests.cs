using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Filters;

public sealed partial class XtBytecodeTests
{
    [Fact]
    public void Iptables_counts_the_packets_that_the_filter_matches()
    {
        KernelTest.RequireTool("iptables");
        using NetworkLab lab = NetworkLab.Create();
        using Socket first = Bound(lab.Client);
        using Socket second = Bound(lab.Client);
        string filter = $"udp dst port {PortOf(first)} and udp[8] = 7";
        string bytecode = PacketFilter.Compile(filter, LinkType.Raw).Program.ToXtBytecode();
        Run(lab.Client, "-A", "INPUT", "-m", "bpf", "--bytecode", bytecode);
        using Socket sender = Bound(lab.Client);
        for (int i = 0; i < 12; i++)
        {
            sender.SendTo([7], first.LocalEndPoint!);
        }

        sender.SendTo([8], first.LocalEndPoint!);
        sender.SendTo([7], second.LocalEndPoint!);
        string rules = Run(lab.Client, "-L", "INPUT", "-v", "-x", "-n");
        Match counted = RuleCount().Match(rules);
        Assert.True(counted.Success, rules);
        Assert.Equal("12", counted.Groups[1].Value);
    }

    [GeneratedRegex(@"^\s*(\d+)\s+\d+\s.*match bpf", RegexOptions.Multiline)]
    private static partial Regex RuleCount();

    private static string Run(NetworkNamespace where, params string[] arguments)
    {
        ChildResult result = ChildProcess.Run(where, "iptables", ["-w", .. arguments]);
        Assert.True(result.ExitCode == 0, result.Error);
        return result.Output;
    }

    private static int PortOf(Socket socket) => ((IPEndPoint)socket.LocalEndPoint!).Port;

    private static Socket Bound(NetworkNamespace where)
    {
        Socket socket = where.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }
}
