using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// Whose the TCP and UDP sockets of a network namespace are: sock_diag(7) lists them, /proc tells the processes. A picture of the last <see cref="Refresh"/>: a socket
/// that was opened and closed between two is in none. Closed sockets are remembered for a while, for the last packets of their connections.
/// <para>Threads: one refreshes; any looks up meanwhile, without waiting and without allocating. It belongs to the network namespace of the thread that opens it.
/// Processes are found in whatever namespace they are.</para>
/// </summary>
public sealed class SocketOwnerTable : IDisposable
{
    private const long ConnectionMemory = 60_000_000_000;
    private const long OtherMemory = 5_000_000_000;
    private const long AddressPause = 1_000_000_000;
    private const int MostRemembered = 65_536;

    private static readonly IpAddress AnyIpv4 = IpAddress.FromIpv4(0);
    private static readonly IpAddress AnyIpv6 = IpAddress.FromIpv6(new byte[16]);

    private readonly SocketDiagnostics _diagnostics;
    private readonly LocalAddressReader _addresses;
    private readonly SocketHolders _holders = new();
    private readonly CgroupTree _cgroups = new();
    private readonly ConcurrentDictionary<FlowKey, SocketEntry> _sockets = new();
    private readonly List<FlowKey> _forgotten = [];
    private readonly List<SocketHolders.Record> _found = [];
    private readonly List<SocketEntry> _foundEntries = [];
    private readonly SocketVisitor _visit;
    private volatile HashSet<IpAddress> _local = [];
    private long _nextAddresses = long.MinValue;
    private byte _protocol;
    private int _round;
    private int _remembered;

    private SocketOwnerTable(SocketDiagnostics diagnostics, LocalAddressReader addresses)
    {
        _diagnostics = diagnostics;
        _addresses = addresses;
        _visit = Visit;
    }

    /// <summary>Sockets that there are, and those that are remembered; one that takes both IPv4 and IPv6 counts twice.</summary>
    public int Count => _sockets.Count;

    /// <summary>Processes that could not be looked at, as those of others without CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH.</summary>
    public int RefusedProcesses => _holders.Refused;

    /// <summary>False where the kernel does not list UDP sockets (CONFIG_INET_UDP_DIAG).</summary>
    public bool HasUdp { get; private set; } = true;

    /// <summary>An empty table for the calling thread's network namespace.</summary>
    /// <exception cref="LinuxException">The kernel can't be asked.</exception>
    public static SocketOwnerTable Open()
    {
        SocketDiagnostics diagnostics = SocketDiagnostics.Open();
        try
        {
            return new SocketOwnerTable(diagnostics, LocalAddressReader.Open());
        }
        catch
        {
            diagnostics.Dispose();
            throw;
        }
    }

    /// <summary>Processes whose sockets are to be found also where others have them too, without waiting for the look at everything.</summary>
    public void Prefer(IEnumerable<int> processes) => _holders.Prefer(processes);

    /// <summary>Looks at what there is now.</summary>
    /// <param name="now">Monotonic nanoseconds, never less than at the last call.</param>
    /// <exception cref="LinuxException">The kernel can't be asked; ENOBUFS and ETIMEDOUT pass.</exception>
    public void Refresh(long now)
    {
        if (now >= _nextAddresses)
        {
            ReadAddresses();
            _nextAddresses = now + AddressPause;
        }

        ListAll();
        if (_holders.EndRound(now))
        {
            ListAll();
            _holders.LookFurther(now);
        }

        Sweep(now);
    }

    /// <summary>
    /// Looks at the connecting ends of single TCP connections, which are opened now: quick however many sockets there are. Finds those of processes that have
    /// sockets already; others wait for the next <see cref="Refresh"/>.
    /// </summary>
    /// <param name="openings">Their first segments.</param>
    /// <param name="now">As for <see cref="Refresh"/>.</param>
    internal void Look(ReadOnlySpan<SocketOpening> openings, long now)
    {
        long instant = Clock.RealtimeNanoseconds();
        _found.Clear();
        _foundEntries.Clear();
        Span<byte> local = stackalloc byte[16];
        Span<byte> peer = stackalloc byte[16];
        foreach ((FlowKey flow, CaptureTimestamp opened) in openings)
        {
            int length = flow.Source.Address.Length;
            flow.Source.Address.CopyTo(local);
            flow.Destination.Address.CopyTo(peer);
            if (!IsLocal(flow.Source.Address))
            {
                continue;
            }

            SocketEntry entry = EntryOf(flow);
            if (!_diagnostics.TryFind(local[..length], flow.Source.Port, peer[..length], flow.Destination.Port, (in SocketDiagnosticMessage socket) => Find(entry, socket)))
            {
                entry.Vanish(opened);
                entry.LookedAt = instant;
            }
        }

        _holders.LookFor(_found);
        for (int i = 0; i < _found.Count; i++)
        {
            if (!_found[i].Holders.IsEmpty)
            {
                _found[i].IsKnown = true;
                _foundEntries[i].Update(_cgroups, now);
                _foundEntries[i].LookedAt = instant;
            }
        }
    }

    /// <summary>Looks once for a connection and a socket that there are not: the first look takes tens of milliseconds otherwise, until its code is compiled.</summary>
    /// <param name="now">As for <see cref="Refresh"/>.</param>
    internal void WarmUp(long now)
    {
        var nowhere = new FlowEndpoint(IpAddress.FromIpv4(0x7F000001), 0);
        Look([new SocketOpening(new FlowKey(nowhere, nowhere, IpProtocol.Tcp), new CaptureTimestamp(Clock.RealtimeNanoseconds()))], now);
        _holders.LookFor([new SocketHolders.Record(0)]);
    }

    /// <summary>True if the connecting end of a flow was looked at, alone, at <paramref name="instant"/> or later.</summary>
    internal bool HasLooked(in FlowKey opening, CaptureTimestamp instant) =>
        _sockets.TryGetValue(opening, out SocketEntry? entry) && entry.LookedAt >= instant.Nanoseconds;

    /// <summary>Whose socket an end of a flow is.</summary>
    /// <param name="local">The end; that of a listening or unconnected socket is found by its port where the address is one of this machine.</param>
    /// <param name="peer">The other end.</param>
    /// <param name="protocol">TCP or UDP.</param>
    /// <param name="owner">The owner; of a connection that nobody has accepted yet, that of the listening socket.</param>
    public bool TryFind(in FlowEndpoint local, in FlowEndpoint peer, byte protocol, [NotNullWhen(true)] out SocketOwnerInfo? owner)
    {
        owner = Find(new FlowKey(local, peer, protocol));
        if (owner is null && IsLocal(local.Address))
        {
            owner = Find(new FlowKey(local, default, protocol)) ?? Find(new FlowKey(AnyAddress(local), default, protocol));
        }

        return owner is not null;
    }

    /// <summary>True for an address at which this machine takes packets, groups and broadcasts among them.</summary>
    public bool IsLocal(IpAddress address)
    {
        uint first = address.IsIpv4 ? (uint)address.Bits >> 24 : (uint)(address.Bits >> 120);
        bool isGroup = address.IsIpv4 ? first is >= 224 and < 240 || address.Bits == uint.MaxValue : first == 0xFF;
        return isGroup || (address.IsIpv4 && first == 127) || _local.Contains(address);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _diagnostics.Dispose();
        _addresses.Dispose();
        _holders.Dispose();
    }

    private SocketOwnerInfo? Find(in FlowKey key) => _sockets.TryGetValue(key, out SocketEntry? entry) ? entry.Owner : null;

    private static FlowEndpoint AnyAddress(in FlowEndpoint local) => new(local.Address.IsIpv4 ? AnyIpv4 : AnyIpv6, local.Port);

    private void ReadAddresses()
    {
        var addresses = new HashSet<IpAddress>();
        _addresses.List((address, _) => addresses.Add(IpAddress.FromBytes(address)));
        _local = addresses;
    }

    private void ListAll()
    {
        _round++;
        _holders.BeginRound();
        List(IpProtocol.Tcp);
        HasUdp = List(IpProtocol.Udp);
    }

    private bool List(byte protocol)
    {
        _protocol = protocol;
        return _diagnostics.TryList(Libc.AF_INET, protocol, _visit) & _diagnostics.TryList(Libc.AF_INET6, protocol, _visit);
    }

    private void Visit(in SocketDiagnosticMessage socket)
    {
        if (socket.Inode == 0)
        {
            return;
        }

        socket.ReadAttributes(out ulong cgroup, out bool isIpv6Only);
        IpAddress address = IpAddress.FromBytes(socket.LocalAddress).Unmapped;
        var local = new FlowEndpoint(address, socket.LocalPort);
        bool isConnected = socket.PeerPort != 0;
        FlowEndpoint peer = isConnected ? new FlowEndpoint(IpAddress.FromBytes(socket.PeerAddress).Unmapped, socket.PeerPort) : default;
        SocketHolders.Record holders = _holders.Track(socket.Inode);
        See(new FlowKey(local, peer, _protocol), holders, socket.Uid, cgroup);
        if (!isConnected && address == AnyIpv6 && !isIpv6Only)
        {
            See(new FlowKey(new FlowEndpoint(AnyIpv4, local.Port), peer, _protocol), holders, socket.Uid, cgroup);
        }
    }

    private void See(in FlowKey key, SocketHolders.Record holders, uint uid, ulong cgroup) => EntryOf(key).See(_round, Clock.RealtimeNanoseconds(), holders, uid, cgroup);

    private SocketEntry EntryOf(in FlowKey key)
    {
        if (!_sockets.TryGetValue(key, out SocketEntry? entry))
        {
            entry = new SocketEntry();
            _sockets[key] = entry;
        }

        return entry;
    }

    private void Find(SocketEntry entry, in SocketDiagnosticMessage socket)
    {
        if (socket.Inode == 0)
        {
            return;
        }

        socket.ReadAttributes(out ulong cgroup, out _);
        SocketHolders.Record holders = _holders.Track(socket.Inode);
        entry.Replace(_round, Clock.RealtimeNanoseconds(), holders, socket.Uid, cgroup);
        _found.Add(holders);
        _foundEntries.Add(entry);
    }

    /// <summary>Brings what is known of each socket up to date, and forgets those that were closed long ago.</summary>
    private void Sweep(long now)
    {
        bool isTight = _remembered > MostRemembered;
        _remembered = 0;
        _forgotten.Clear();
        foreach ((FlowKey key, SocketEntry entry) in _sockets)
        {
            if (entry.IsSeenIn(_round))
            {
                entry.Update(_cgroups, now);
                continue;
            }

            bool isConnection = key.Protocol == IpProtocol.Tcp && key.Destination.Port != 0;
            long memory = isConnection && !isTight ? ConnectionMemory : OtherMemory;
            _remembered++;
            if (entry.ClosedFor(now) >= memory)
            {
                _forgotten.Add(key);
            }
        }

        foreach (FlowKey key in _forgotten)
        {
            _sockets.TryRemove(key, out _);
        }
    }
}
