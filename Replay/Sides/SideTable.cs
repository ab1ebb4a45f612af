using Interceptor.Filters;
using Interceptor.Packets;

namespace Interceptor.Replay.Sides;

/// <summary>
/// Sides that are written down: of filters, conversations, addresses with a port, networks, hardware addresses, and of all the rest. Of two networks that hold an
/// address the smaller one counts; filters are asked in their order. <see cref="SideFile"/> keeps it as text.
/// <para>Threads: one.</para>
/// </summary>
public sealed class SideTable : SideRule
{
    private readonly Dictionary<FlowKey, PacketSide> _flows = [];
    private readonly Dictionary<(FlowEndpoint Endpoint, byte Protocol), PacketSide> _endpoints = [];
    private readonly Dictionary<IpNetwork, PacketSide> _networks = [];
    private readonly Dictionary<MacAddress, PacketSide> _macs = [];
    private readonly List<(LinkTypeFilter Filter, PacketSide Side)> _filters = [];

    // The prefix lengths that occur, the longest first.
    private readonly List<int> _prefixesOfIpv4 = [];
    private readonly List<int> _prefixesOfIpv6 = [];
    private PacketSide _fallback;

    /// <inheritdoc/>
    public override PacketSide Fallback => _fallback;

    /// <summary>The filters in the order in which they are asked, with the side of what matches.</summary>
    public IReadOnlyList<(LinkTypeFilter Filter, PacketSide Side)> Filters => _filters;

    /// <summary>The networks and hosts.</summary>
    public IReadOnlyDictionary<IpNetwork, PacketSide> Networks => _networks;

    /// <summary>The addresses with a port, of TCP or UDP.</summary>
    public IReadOnlyDictionary<(FlowEndpoint Endpoint, byte Protocol), PacketSide> Endpoints => _endpoints;

    /// <summary>The hardware addresses.</summary>
    public IReadOnlyDictionary<MacAddress, PacketSide> Macs => _macs;

    /// <summary>The conversations, from the client to the server.</summary>
    public IEnumerable<FlowKey> Flows => _flows.Select(static flow => flow.Value == PacketSide.Client ? flow.Key : flow.Key.Reversed);

    /// <summary>How many conversations it names.</summary>
    public int FlowCount => _flows.Count;

    /// <summary>What matches is the client's, all else the server's.</summary>
    public static SideTable ForFilter(string expression) => ForClients(table => table.Add(new LinkTypeFilter(expression), PacketSide.Client));

    /// <summary>What the networks send is the client's, all else the server's, as tcpprep does it (whatever its manual says).</summary>
    public static SideTable ForClientNetworks(IEnumerable<IpNetwork> networks)
    {
        ArgumentNullException.ThrowIfNull(networks);
        return ForClients(table =>
        {
            foreach (IpNetwork network in networks)
            {
                _ = table.TryAdd(network, PacketSide.Client);
            }
        });
    }

    /// <summary>What the hardware addresses send is the client's, all else the server's.</summary>
    public static SideTable ForClientMacs(IEnumerable<MacAddress> addresses)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        return ForClients(table =>
        {
            foreach (MacAddress address in addresses)
            {
                _ = table.TryAdd(address, PacketSide.Client);
            }
        });
    }

    /// <summary>What matches is of that side.</summary>
    public void Add(LinkTypeFilter filter, PacketSide side) => _filters.Add((filter, side));

    /// <summary>A network or host is on that side; false if it was said to be on the other.</summary>
    public bool TryAdd(IpNetwork network, PacketSide side)
    {
        List<int> prefixes = network.Address.IsIpv4 ? _prefixesOfIpv4 : _prefixesOfIpv6;
        int place = prefixes.BinarySearch(network.PrefixLength, LongestFirst.Instance);
        if (place < 0)
        {
            prefixes.Insert(~place, network.PrefixLength);
        }

        return Set(_networks, network, side);
    }

    /// <summary>An address with its port is on that side; false if it was said to be on the other.</summary>
    public bool TryAdd(in FlowEndpoint endpoint, byte protocol, PacketSide side) => Set(_endpoints, (endpoint, protocol), side);

    /// <summary>A hardware address is on that side; false if it was said to be on the other.</summary>
    public bool TryAdd(MacAddress address, PacketSide side) => Set(_macs, address, side);

    /// <summary>The source of this conversation is the client; false if its destination was said to be.</summary>
    public bool TryAdd(in FlowKey fromClient)
    {
        FlowKey key = fromClient.Canonical(out bool swapped);
        return Set(_flows, key, swapped ? PacketSide.Server : PacketSide.Client);
    }

    /// <summary>Names the side of what nothing else tells; false if the other was named.</summary>
    public bool TrySetFallback(PacketSide side)
    {
        bool isNew = _fallback == PacketSide.Unknown || _fallback == side;
        _fallback = isNew ? side : _fallback;
        return isNew;
    }

    private protected override PacketSide OfFilters(in CapturedPacket packet)
    {
        foreach ((LinkTypeFilter filter, PacketSide side) in _filters)
        {
            if (filter.Matches(in packet))
            {
                return side;
            }
        }

        return PacketSide.Unknown;
    }

    private protected override PacketSide OfFlow(in FlowKey flow)
    {
        if (_flows.Count == 0 || !_flows.TryGetValue(flow.Canonical(out bool swapped), out PacketSide side))
        {
            return PacketSide.Unknown;
        }

        return swapped ? side.Opposite() : side;
    }

    private protected override PacketSide OfEndpoint(in FlowEndpoint endpoint, byte protocol) =>
        _endpoints.Count == 0 ? PacketSide.Unknown : _endpoints.GetValueOrDefault((endpoint, protocol));

    private protected override PacketSide OfHost(IpAddress address)
    {
        foreach (int length in address.IsIpv4 ? _prefixesOfIpv4 : _prefixesOfIpv6)
        {
            if (address.Length != 0 && _networks.TryGetValue(IpNetwork.Of(address, length), out PacketSide side))
            {
                return side;
            }
        }

        return PacketSide.Unknown;
    }

    private protected override PacketSide OfMac(MacAddress address) => _macs.GetValueOrDefault(address);

    /// <summary>What is not of the clients that <paramref name="add"/> names is the servers'.</summary>
    private static SideTable ForClients(Action<SideTable> add)
    {
        var table = new SideTable();
        add(table);
        _ = table.TrySetFallback(PacketSide.Server);
        return table;
    }

    private static bool Set<TKey>(Dictionary<TKey, PacketSide> sides, TKey key, PacketSide side)
        where TKey : notnull => sides.TryAdd(key, side) || sides[key] == side;

    private sealed class LongestFirst : IComparer<int>
    {
        internal static readonly LongestFirst Instance = new();

        public int Compare(int x, int y) => y.CompareTo(x);
    }
}
