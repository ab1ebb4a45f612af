using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <summary>Finds, before anything is changed, what keeps a connection's state from being taken whole.</summary>
internal static class SocketEligibility
{
    private const string Step = "check";
    private const int IpprotoMptcp = 262;
    internal const string EcnCode = "ecn";
    internal const string PendingErrorCode = "pending-error";
    private const byte EcnBit = 8;
    private const byte NewSynReceived = 12;
    private static readonly CheckpointObstacle Mptcp = new(
        "mptcp", "it is MPTCP, whose subflows the kernel does not let anyone repair", "Start the program without MPTCP (Go: GODEBUG=multipathtcp=0).");

    /// <summary>Returns the socket's family; throws with the reason and the remedy where it is no TCP socket.</summary>
    internal static bool RequireTcp(FileDescriptor fd, string subject) => InspectProtocol(fd, subject) is { } obstacle
        ? throw Refuse(subject, obstacle)
        : ReadInt(fd, Libc.SO_DOMAIN, "getsockopt(SO_DOMAIN)", subject) == Libc.AF_INET6;

    /// <summary>What makes it no TCP socket; null if it is one.</summary>
    internal static CheckpointObstacle? InspectProtocol(FileDescriptor fd, string subject)
    {
        int domain = ReadInt(fd, Libc.SO_DOMAIN, "getsockopt(SO_DOMAIN)", subject);
        int type = ReadInt(fd, Libc.SO_TYPE, "getsockopt(SO_TYPE)", subject);
        int protocol = ReadInt(fd, Libc.SO_PROTOCOL, "getsockopt(SO_PROTOCOL)", subject);
        if (protocol == IpprotoMptcp)
        {
            return Mptcp;
        }

        return domain is not (Libc.AF_INET or Libc.AF_INET6) || type != Libc.SOCK_STREAM || protocol != Libc.IPPROTO_TCP
            ? new CheckpointObstacle("protocol", $"it is no TCP socket (family {domain}, type {type}, protocol {protocol})", "")
            : null;
    }

    /// <summary>Throws with the first thing by which state would be lost silently, and returns what is lost openly. Reads only.</summary>
    internal static IReadOnlyList<CheckpointObstacle> RequireWholeState(FileDescriptor fd, string subject)
    {
        List<CheckpointObstacle> found = [.. Inspect(fd, subject)];
        return found.Find(static obstacle => !obstacle.IsLoss) is { } obstacle ? throw Refuse(subject, obstacle) : found;
    }

    /// <summary>Everything that a TCP socket itself tells. Reads only.</summary>
    internal static IEnumerable<CheckpointObstacle> Inspect(FileDescriptor fd, string subject)
    {
        var info = NativeSocket.GetStruct<Libc.tcp_info>(fd, Libc.IPPROTO_TCP, Libc.TCP_INFO, "getsockopt(TCP_INFO)", subject);
        if (OfState((TcpState)info.tcpi_state) is { } state)
        {
            yield return state;
        }

        if (info.tcpi_state == (byte)TcpState.Listen && OfAcceptQueue(info.tcpi_unacked) is { } queue)
        {
            yield return queue;
        }

        short events = NativeSocket.Poll(fd, Libc.POLLPRI | Libc.POLLOUT, 0);
        if (info.tcpi_state == (byte)TcpState.SynSent && (events & Libc.POLLOUT) != 0)
        {
            yield return new CheckpointObstacle(
                "fast-open", "its connect waits for the first bytes, to send them with the SYN (TCP_FASTOPEN_CONNECT)", "Let the program write, then try again.");
        }

        if (SocketSettingsIo.ReadOptionalInt(fd, Libc.IPPROTO_TCP, Libc.TCP_IS_MPTCP, 0) != 0)
        {
            yield return Mptcp;
        }

        if (OfUpperLayer(SocketSettingsIo.ReadName(fd, Libc.IPPROTO_TCP, Libc.TCP_ULP)) is { } layer)
        {
            yield return layer;
        }

        if (HasOption(fd, Libc.IPPROTO_TCP, Libc.TCP_AO_INFO, atLeast: 0))
        {
            yield return new CheckpointObstacle("tcp-ao", "it is authenticated with TCP-AO, whose keys can't be read", "");
        }

        if (HasOption(fd, Libc.IPPROTO_IP, Libc.IP_OPTIONS, atLeast: 1))
        {
            yield return new CheckpointObstacle("ip-options", "it uses IP options, which change its routing", "");
        }

        if ((events & Libc.POLLPRI) != 0
            || NativeSocket.IoctlInt(fd, Libc.SIOCATMARK, "ioctl(SIOCATMARK)", subject) != 0)
        {
            yield return new CheckpointObstacle(
                "urgent-data", "urgent data is pending, which hides part of the receive queue", "Let the program read it, then try again.");
        }

        if (OfOptions(info.tcpi_options) is { } loss)
        {
            yield return loss;
        }

        foreach (CheckpointObstacle lost in Losses(fd, events, (TcpState)info.tcpi_state, subject))
        {
            yield return lost;
        }
    }

    /// <summary>What else a restore does not bring back.</summary>
    private static IEnumerable<CheckpointObstacle> Losses(FileDescriptor fd, short events, TcpState state, string subject)
    {
        if ((events & Libc.POLLERR) != 0)
        {
            yield return new CheckpointObstacle(
                PendingErrorCode, "an error waits to be read by the program, and is not taken along", "Let the program read it (SO_ERROR, or the error queue).", IsLoss: true);
        }

        if (SocketFilter.IsBpf(fd))
        {
            yield return new CheckpointObstacle("bpf", "a BPF program is attached to it, which can't be read", "Attach it again to the restored socket.", IsLoss: true);
        }

        if (state is not (TcpState.Listen or TcpState.SynSent) && SocketSettingsIo.ReadOptionalInt(fd, Libc.SOL_SOCKET, Libc.SO_ZEROCOPY, 0) != 0
            && NativeSocket.IoctlInt(fd, Libc.SIOCOUTQ, "ioctl(SIOCOUTQ)", subject) > 0)
        {
            yield return new CheckpointObstacle(
                "zero-copy", "it sends without copying (SO_ZEROCOPY): what is queued is copied now, and its completions are not told any more", "", IsLoss: true);
        }
    }

    /// <summary>Refuses a connection whose segments are signed: the key can't be read. In the calling thread's network namespace.</summary>
    internal static void RequireNoSignatures(FlowEndpoint local, FlowEndpoint peer, string subject)
    {
        if (IsSigned(local, peer))
        {
            throw Refuse(subject, Md5);
        }
    }

    /// <summary>True if segments are signed. In the calling thread's network namespace.</summary>
    internal static bool IsSigned(FlowEndpoint local, FlowEndpoint peer)
    {
        Span<byte> localAddress = stackalloc byte[local.Address.Length];
        Span<byte> peerAddress = stackalloc byte[localAddress.Length];
        local.Address.CopyTo(localAddress);
        peer.Address.CopyTo(peerAddress);
        return SocketDiagnostics.IsMd5Signed(localAddress, local.Port, peerAddress, peer.Port);
    }

    /// <summary>Segments are signed with RFC 2385.</summary>
    internal static CheckpointObstacle Md5 { get; } = new("tcp-md5", "it is authenticated with TCP MD5 signatures, whose key can't be read", "");

    /// <summary>What stands in the way in this state; null for nothing.</summary>
    internal static CheckpointObstacle? OfState(TcpState state) => IsTaken(state)
        ? null
        : new CheckpointObstacle(
            "state",
            $"its state is {state.ToRfcName()}",
            state switch
            {
                TcpState.TimeWait => "It is over: no process has it, only the kernel waits, so that nothing late disturbs a new connection. Nothing is to be taken along; the wait stays with this machine.",
                TcpState.SynReceived => "No process has it before its handshake is done: wait for that, or take the listening socket (ADDRESS:PORT-*): the peer asks again.",
                TcpState.Closed => "It is over: let its program open another.",
                _ => "",
            });

    /// <summary>A connection that no process has.</summary>
    internal static CheckpointObstacle Ownerless { get; } = new(
        "no-owner", "no process has it: it was not accepted yet, or was closed and is ending", "Let the program accept it.");

    /// <summary>The state, a handshake that has no socket yet being SYN-RECEIVED.</summary>
    internal static TcpState StateOf(in SocketDiagnosticMessage socket) => socket.State == NewSynReceived ? TcpState.SynReceived : (TcpState)socket.State;

    /// <summary>Data went with the SYN (TCP Fast Open), and would have to go with it again.</summary>
    internal static CheckpointObstacle SynData { get; } = new("fast-open", "it has sent data with its SYN (TCP Fast Open)", "Wait until its handshake is done.");

    /// <summary>Connections that wait in a listening socket.</summary>
    internal static CheckpointObstacle? OfAcceptQueue(uint waiting) => waiting == 0
        ? null
        : new CheckpointObstacle(
            "accept-queue", $"{Counted(waiting)} to be accepted, and nothing can be put back into such a queue",
            "Let the program accept them, then try again; the lock keeps new ones waiting meanwhile.");

    private static string Counted(uint waiting) => waiting == 1 ? "1 connection waits" : $"{waiting} connections wait";

    /// <summary>The states that are dumped and restored: those that a process has a socket in.</summary>
    internal static bool IsTaken(TcpState state) => state is TcpState.SynSent or TcpState.Listen or TcpState.Established or TcpState.CloseWait or TcpState.FinWait1 or TcpState.FinWait2
        or TcpState.Closing or TcpState.LastAck;

    /// <summary>A protocol that the kernel runs on top of the connection (TCP_ULP).</summary>
    /// <param name="name">Its name; empty for none.</param>
    internal static CheckpointObstacle? OfUpperLayer(string name) => name switch
    {
        "" => null,
        "mptcp" => Mptcp,
        "tls" => new CheckpointObstacle("ktls", "the kernel encrypts it (kTLS), and its keys and record state can't be read", "Turn kernel TLS off in the program."),
        _ => new CheckpointObstacle("upper-layer", $"the kernel runs '{name}' on it, whose state can't be read", ""),
    };

    /// <summary>What is lost of the options in force (tcpi_options).</summary>
    internal static CheckpointObstacle? OfOptions(byte options) => (options & EcnBit) == 0
        ? null
        : new CheckpointObstacle(EcnCode, "it uses ECN, which a restored connection does not: marks of congestion are not heard any more", "", IsLoss: true);

    private static int ReadInt(FileDescriptor fd, int option, string operation, string subject) =>
        NativeSocket.GetInt(fd, Libc.SOL_SOCKET, option, operation, subject);

    private static bool HasOption(FileDescriptor fd, int level, int option, int atLeast)
    {
        Span<byte> scratch = stackalloc byte[64];
        return NativeSocket.TryGet(fd, level, option, scratch, out int length, out _) && length >= atLeast;
    }

    internal static CheckpointException Refuse(string subject, CheckpointObstacle obstacle)
    {
        string todo = obstacle.Remedy.Length == 0 ? "" : $" {obstacle.Remedy}";
        return new CheckpointException(
            Step, $"{subject} can't be checkpointed: {obstacle.Reason}.{todo}", CheckpointException.NothingChanged, CheckpointFailure.Refused);
    }
}
