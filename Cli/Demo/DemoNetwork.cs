using System.Diagnostics;
using System.Net;
using Interceptor.Interop;

namespace Interceptor.Cli.Demo;

/// <summary>
/// The demo's machines: a namespace for the client and one for the server, joined by a veth pair; or with a spare machine, all three at a switch. Nothing of it is in the file
/// system, and all of it goes with the process, however that ends.
/// </summary>
internal sealed class DemoNetwork : IDisposable
{
    /// <summary>The client's end of the link.</summary>
    internal const string ClientInterface = "client0";

    /// <summary>The server's.</summary>
    internal const string ServerInterface = "server0";

    private const string SpareInterface = "spare0";
    private const string SwitchInterface = "switch0";
    private const string ServerPort = "port-server";
    private const int PrefixLength = 24;
    private const int RestoreBufferLength = 64 * 1024 * 1024;

    private readonly Stack<IDisposable> _owned = new();
    private NetworkNamespace? _switch;

    private DemoNetwork()
    {
    }

    internal static IPAddress ClientAddress { get; } = IPAddress.Parse("10.77.0.1");

    internal static IPAddress ServerAddress { get; } = IPAddress.Parse("10.77.0.2");

    internal NetworkNamespace Client { get; private set; } = null!;

    internal NetworkNamespace Server { get; private set; } = null!;

    /// <summary>Where the connection goes on: the spare machine, or without one the server's own.</summary>
    internal NetworkNamespace Successor { get; private set; } = null!;

    internal static DemoNetwork Create(bool withSpare = false)
    {
        var network = new DemoNetwork();
        try
        {
            network.Client = network.Own(NetworkNamespace.Create("demo client"));
            network.Server = network.Own(NetworkNamespace.Create("demo server"));
            network.Successor = withSpare ? network.Own(NetworkNamespace.Create("demo spare")) : network.Server;
            if (withSpare)
            {
                network.Switch();
            }
            else
            {
                network.Own(VethLink.Create(
                    network.Client, ClientInterface, $"{ClientAddress}/{PrefixLength}", network.Server, ServerInterface, $"{ServerAddress}/{PrefixLength}"));
            }

            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>The server's machine is off the network: nothing reaches it, nothing leaves it.</summary>
    internal void Unplug() => RunIp(_switch!, $"link set {ServerPort} down");

    /// <summary>The spare machine has the server's address.</summary>
    internal void MoveAddress() => Successor.Run(() =>
    {
        using RouteNetlink netlink = RouteNetlink.Open();
        netlink.AddAddress(netlink.InterfaceIndex(SpareInterface), ServerAddress, PrefixLength);
    });

    /// <summary>
    /// Without the machine's root, the restored socket's buffers can't be forced beyond net.core's limits; but what a new socket of this namespace
    /// begins with is ours to say, and so large enough for what the old one had queued. Sockets that exist keep theirs.
    /// </summary>
    internal void MakeRoomForRestore()
    {
        if (UserNamespace.IsInside)
        {
            Successor.Run(() =>
            {
                foreach (string name in (ReadOnlySpan<string>)["tcp_rmem", "tcp_wmem"])
                {
                    File.WriteAllText($"/proc/sys/net/ipv4/{name}", $"4096 {RestoreBufferLength} {RestoreBufferLength}");
                }
            });
        }
    }

    public void Dispose()
    {
        while (_owned.TryPop(out IDisposable? owned))
        {
            owned.Dispose();
        }
    }

    private void Switch()
    {
        _switch = Own(NetworkNamespace.Create("demo switch"));
        RunIp(_switch, $"link add {SwitchInterface} type bridge");
        RunIp(_switch, $"link set {SwitchInterface} up");
        Plug(Client, ClientInterface, [$"{ClientAddress}/{PrefixLength}"], "port-client");
        Plug(Server, ServerInterface, [$"{ServerAddress}/{PrefixLength}"], ServerPort);
        Plug(Successor, SpareInterface, [], "port-spare");
    }

    private void Plug(NetworkNamespace machine, string name, string[] addresses, string port)
    {
        Own(VethLink.Create(machine, name, addresses, _switch!, port, []));
        RunIp(_switch!, $"link set {port} master {SwitchInterface}");
    }

    private static void RunIp(NetworkNamespace network, string arguments)
    {
        var start = new ProcessStartInfo("ip", arguments) { RedirectStandardError = true };
        try
        {
            using Process process = network.Run(() => Process.Start(start)) ?? throw new DemoException("ip did not start.");
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0)
            {
                throw new DemoException($"ip {arguments}: {error.Trim()}");
            }
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw new MissingFeatureException($"the tool ip can't be started: {exception.Message}. Install it with: apt-get install -y iproute2.");
        }
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Push(owned);
        return owned;
    }
}
