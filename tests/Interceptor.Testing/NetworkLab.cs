using Interceptor.Interop;

namespace Interceptor.Testing;

/// <summary>
/// Two network namespaces joined by a veth pair: the client's side (interface <c>client0</c>, 10.77.0.1, fd77::1) and the server's
/// (<c>server0</c>, 10.77.0.2, fd77::2). Skips the test where the machine does not let us make namespaces. Disposing ends the namespaces'
/// threads and deletes the link; nothing of it is in the file system. Works as root and inside <c>unshare -Urn</c>.
/// </summary>
public sealed class NetworkLab : IDisposable
{
    private readonly VethLink _link;

    private NetworkLab(NetworkNamespace client, NetworkNamespace server, VethLink link)
    {
        Client = client;
        Server = server;
        _link = link;
    }

    public const string ClientInterface = "client0";
    public const string ServerInterface = "server0";
    public const string ClientAddress = "10.77.0.1";
    public const string ServerAddress = "10.77.0.2";
    public const string ClientAddressV6 = "fd77::1";
    public const string ServerAddressV6 = "fd77::2";

    public NetworkNamespace Client { get; }

    public NetworkNamespace Server { get; }

    public static NetworkLab Create()
    {
        NetworkNamespace client = KernelTest.CreateNamespace("client");
        NetworkNamespace? server = null;
        try
        {
            server = KernelTest.CreateNamespace("server");
            client.Run(AcceptAnySource);
            server.Run(AcceptAnySource);
            VethLink link = VethLink.Create(
                client, ClientInterface, [$"{ClientAddress}/24", $"{ClientAddressV6}/64"],
                server, ServerInterface, [$"{ServerAddress}/24", $"{ServerAddressV6}/64"]);
            AwaitLocalRoute(client, ClientAddressV6);
            AwaitLocalRoute(server, ServerAddressV6);
            return new NetworkLab(client, server, link);
        }
        catch
        {
            server?.Dispose();
            client.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _link.Dispose();
        Server.Dispose();
        Client.Dispose();
    }

    /// <summary>
    /// The kernel adds an IPv6 address's own route a moment after the address, when its work queue gets to it; until then a packet to the address takes the
    /// prefix's route and leaves by the link.
    /// </summary>
    /// <exception cref="TimeoutException">It did not come within 10 s.</exception>
    public static void AwaitLocalRoute(NetworkNamespace host, string address)
    {
        ArgumentNullException.ThrowIfNull(host);
        host.Run(() => AwaitLocalRoute(address));
    }

    private static void AwaitLocalRoute(string address)
    {
        const uint RTF_LOCAL = 0x80000000;
        string host = $"{Convert.ToHexStringLower(System.Net.IPAddress.Parse(address).GetAddressBytes())} 80 ";
        long end = Environment.TickCount64 + 10_000;
        while (!File.ReadLines("/proc/thread-self/net/ipv6_route").Any(line => line.StartsWith(host, StringComparison.Ordinal) && (FlagsOf(line) & RTF_LOCAL) != 0))
        {
            if (Environment.TickCount64 > end)
            {
                throw new TimeoutException($"{address} has no local route.");
            }

            Thread.Yield();
        }
    }

    // Destination, length, source, length, next hop, metric, references, uses, flags, device (net/ipv6/route.c).
    private static uint FlagsOf(string line) =>
        Convert.ToUInt32(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[8], 16);

    /// <summary>
    /// A new namespace takes the host's reverse path filter (net.core.devconf_inherit_init_net), which drops packets whose source has no
    /// route back through the same interface: replayed ones have none. /proc/sys/net shows the calling thread's namespace.
    /// </summary>
    private static void AcceptAnySource()
    {
        foreach (string scope in (ReadOnlySpan<string>)["all", "default"])
        {
            string path = $"/proc/sys/net/ipv4/conf/{scope}/rp_filter";
            if (File.ReadAllText(path).Trim() != "0")
            {
                File.WriteAllText(path, "0");
            }
        }
    }
}
