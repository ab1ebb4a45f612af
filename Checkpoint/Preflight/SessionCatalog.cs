using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <summary>
/// The TCP sockets of a network namespace with their owners (sock_diag and /proc). Reads only. Signatures show only with CAP_NET_ADMIN, other users' processes only with
/// CAP_SYS_PTRACE.
/// </summary>
public static class SessionCatalog
{
    /// <summary>The calling thread's network namespace, in order of local and remote ends.</summary>
    /// <param name="pid">Only what this process has open; null for all.</param>
    /// <param name="includeOthers">Also listening sockets, handshakes and TIME-WAIT, which are no sessions.</param>
    /// <exception cref="CheckpointException">There is no process <paramref name="pid"/>, or its descriptors may not be read.</exception>
    /// <exception cref="LinuxException">The kernel can't be asked.</exception>
    public static IReadOnlyList<SessionOverview> Read(int? pid = null, bool includeOthers = false)
    {
        Dictionary<long, List<SessionHolder>> holders = pid is { } one ? HoldersOf(one) : AllHolders();
        var sessions = new List<SessionOverview>();
        using SocketDiagnostics diagnostics = SocketDiagnostics.Open();
        foreach (int family in (ReadOnlySpan<int>)[Libc.AF_INET, Libc.AF_INET6])
        {
            // False only of a kernel without IPv6.
            diagnostics.TryList(
                family, Libc.IPPROTO_TCP,
                (in SocketDiagnosticMessage socket) =>
                {
                    holders.TryGetValue(socket.Inode, out List<SessionHolder>? processes);
                    if (pid is null || processes is not null)
                    {
                        sessions.Add(Describe(in socket, processes ?? []));
                    }
                },
                includeOthers ? SocketDiagnostics.AllStates : SocketDiagnostics.StatesWithPeer,
                SocketDiagnostics.Info | SocketDiagnostics.Congestion);
        }

        return [.. sessions.OrderBy(static session => session.Local.Address.Bits).ThenBy(static session => session.Local.Port)
            .ThenBy(static session => session.Peer.Address.Bits).ThenBy(static session => session.Peer.Port)];
    }

    private static SessionOverview Describe(in SocketDiagnosticMessage socket, List<SessionHolder> holders)
    {
        TcpState state = SocketEligibility.StateOf(in socket);
        bool hasInfo = socket.TryReadInfo(out Libc.tcp_info info);
        socket.ReadTcpAttributes(out string congestion, out string upperLayer, out bool isSigned);
        var obstacles = new List<CheckpointObstacle>();
        void Add(CheckpointObstacle? obstacle)
        {
            if (obstacle is not null)
            {
                obstacles.Add(obstacle);
            }
        }

        Add(SocketEligibility.OfState(state));
        Add(state == TcpState.Listen ? SocketEligibility.OfAcceptQueue(socket.ReceiveQueue) : null);
        Add(SocketEligibility.OfUpperLayer(upperLayer));
        Add(isSigned ? SocketEligibility.Md5 : null);
        Add(OfHolders(in socket, state, holders));
        Add(hasInfo ? SocketEligibility.OfOptions(info.tcpi_options) : null);
        return new SessionOverview
        {
            Local = new FlowEndpoint(AddressOf(socket.LocalAddress), socket.LocalPort),
            Peer = new FlowEndpoint(AddressOf(socket.PeerAddress), socket.PeerPort),
            State = state,
            IsIpv6Socket = socket.Family == Libc.AF_INET6,
            Inode = socket.Inode,
            UserId = socket.Uid,
            Holders = holders,
            ReceiveQueue = socket.ReceiveQueue,
            SendQueue = socket.SendQueue,
            Path = hasInfo && state != TcpState.Listen ? PathOf(in info, congestion) : null,
            Obstacles = obstacles,
        };
    }

    private static CheckpointObstacle? OfHolders(in SocketDiagnosticMessage socket, TcpState state, List<SessionHolder> holders)
    {
        if (state is TcpState.TimeWait or TcpState.SynReceived)
        {
            return null;
        }

        if (socket.Inode == 0)
        {
            return SocketEligibility.Ownerless;
        }

        return holders.Count switch
        {
            0 => new CheckpointObstacle("owner-unseen", "the process that has it can't be seen from here", "Run as root, where /proc shows that process."),
            1 => null,
            _ => new CheckpointObstacle(
                "shared", $"{holders.Count} processes have it open and would go on using it", "End those processes but one, or let them close it."),
        };
    }

    private static SessionPath PathOf(in Libc.tcp_info info, string congestion) => new()
    {
        UnsentBytes = info.tcpi_notsent_bytes,
        SndWnd = info.tcpi_snd_wnd,
        RcvWnd = info.tcpi_rcv_wnd,
        RoundTripTime = TimeSpan.FromMicroseconds(info.tcpi_rtt),
        RetransmissionTimeout = TimeSpan.FromMicroseconds(info.tcpi_rto),
        SndMss = info.tcpi_snd_mss,
        Retransmissions = info.tcpi_total_retrans,
        CongestionControl = congestion,
    };

    private static IpAddress AddressOf(ReadOnlySpan<byte> address) => IpAddress.FromBytes(address).Unmapped;

    private static Dictionary<long, List<SessionHolder>> HoldersOf(int pid)
    {
        string name = ProcessIdentity.NameOf(pid);
        return SocketFinder.ReadSockets(pid).ToDictionary(
            static pair => pair.Key, pair => new List<SessionHolder> { new(pid, name, pair.Value) });
    }

    private static Dictionary<long, List<SessionHolder>> AllHolders()
    {
        using var reader = new ProcessSockets();
        var processes = new List<int>();
        reader.ListProcesses(processes);
        var holders = new Dictionary<long, List<SessionHolder>>();
        var sockets = new List<ProcessSocket>();
        foreach (int pid in processes)
        {
            // One that ended since, or is not ours to see, shows nothing.
            sockets.Clear();
            reader.TryListSockets(pid, sockets);
            if (sockets.Count == 0)
            {
                continue;
            }

            string name = ProcessIdentity.NameOf(pid);
            foreach (IGrouping<long, ProcessSocket> socket in sockets.GroupBy(static socket => socket.Inode))
            {
                if (!holders.TryGetValue(socket.Key, out List<SessionHolder>? list))
                {
                    holders[socket.Key] = list = [];
                }

                list.Add(new SessionHolder(pid, name, socket.Min(static socket => socket.Descriptor)));
            }
        }

        return holders;
    }
}
