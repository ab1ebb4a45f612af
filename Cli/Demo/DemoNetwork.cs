using System.Net;
using Interceptor.Interop;

namespace Interceptor.Cli.Demo;

/// <summary>
/// The demo's two machines: a namespace for the client and one for the server, joined by a veth pair. Nothing of it is in the file system, and
/// all of it goes with the process, however that ends.
/// </summary>
internal sealed class DemoNetwork : IDisposable
{
    /// <summary>The client's end of the link.</summary>
    internal const string ClientInterface = "client0";

    private const string ServerInterface = "server0";
    private const int PrefixLength = 24;

    private const int RestoreBufferLength = 64 * 1024 * 1024;

    private readonly VethLink _link;

    private DemoNetwork(NetworkNamespace client, NetworkNamespace server, VethLink link)
    {
        Client = client;
        Server = server;
        _link = link;
    }

    internal static IPAddress ClientAddress { get; } = IPAddress.Parse("10.77.0.1");

    internal static IPAddress ServerAddress { get; } = IPAddress.Parse("10.77.0.2");

    internal NetworkNamespace Client { get; }

    internal NetworkNamespace Server { get; }

    internal static DemoNetwork Create()
    {
        NetworkNamespace client = NetworkNamespace.Create("demo client");
        NetworkNamespace? server = null;
        try
        {
            server = NetworkNamespace.Create("demo server");
            VethLink link = VethLink.Create(
                client, ClientInterface, $"{ClientAddress}/{PrefixLength}", server, ServerInterface, $"{ServerAddress}/{PrefixLength}");
            return new DemoNetwork(client, server, link);
        }
        catch
        {
            server?.Dispose();
            client.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Without the machine's root, the restored socket's buffers can't be forced beyond net.core's limits; but what a new socket of this namespace
    /// begins with is ours to say, and so large enough for what the old one had queued. Sockets that exist keep theirs.
    /// </summary>
    internal void MakeRoomForRestore()
    {
        if (UserNamespace.IsInside)
        {
            Server.Run(() =>
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
        _link.Dispose();
        Server.Dispose();
        Client.Dispose();
    }
}
