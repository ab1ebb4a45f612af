using System.Globalization;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Checkpoint;

/// <summary>Whether the kernel would take the peer's packets for forged (<c>rp_filter</c>): where they come in on another interface than the way back to the peer leads through.</summary>
internal static class ReversePath
{
    private const int Strict = 1;

    /// <summary>Null where nothing of the kind is to be feared, as with IPv6, which has no such check. Where packets come in is taken to be where the local address is.</summary>
    internal static CheckpointObstacle? Inspect(FlowEndpoint local, FlowEndpoint peer)
    {
        if (!local.Address.IsIpv4)
        {
            return null;
        }

        Span<byte> source = stackalloc byte[4];
        Span<byte> destination = stackalloc byte[4];
        local.Address.CopyTo(source);
        peer.Address.CopyTo(destination);
        using RouteNetlink routes = RouteNetlink.Open();
        int back = routes.OutputInterface(destination, source);
        List<(int Index, string Name)> carriers = LocalAddressReader.InterfacesOf(source);
        string? strict = carriers.Find(link => ModeOf(link.Name) == Strict).Name;
        return back == 0 || strict is null || carriers.Exists(link => link.Index == back || link.Name == "lo")
            ? null
            : new CheckpointObstacle(
                "rp-filter",
                $"the way back to {peer.Address} does not lead through {strict}, which has the connection's address, and what comes in there is taken for forged (rp_filter=1)",
                $"Correct the route (ip route add {peer.Address} dev {strict}), or allow it: sysctl net.ipv4.conf.{strict}.rp_filter=2; net.ipv4.conf.all.rp_filter counts, too, and the larger of both.", IsLoss: true);
    }

    /// <summary>The larger of the interface's setting and that of all (Documentation/networking/ip-sysctl.rst).</summary>
    private static int ModeOf(string interfaceName) => Math.Max(Read(interfaceName), Read("all"));

    private static int Read(string name)
    {
        try
        {
            return int.Parse(File.ReadAllText($"/proc/sys/net/ipv4/conf/{name}/rp_filter"), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
