using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <summary>Finds, before anything is changed, what keeps a connection's state from being taken whole.</summary>
internal static class SocketEligibility
{
    private const string Step = "check";
    private const int IpprotoMptcp = 262;
    private const byte EcnBit = 8;
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

    /// <summary>Throws with the first thing by which state would be lost silently. Reads only.</summary>
    internal static void RequireWholeState(FileDescriptor fd, string subject)
    {
        if (Inspect(fd, subject).FirstOrDefault(static obstacle => !obstacle.IsLoss) is { } obstacle)
        {
            throw Refuse(subject, obstacle);
        }
    }

    /// <summary>Everything that a TCP socket itself tells. Reads only.</summary>
    internal static IEnumerable<CheckpointObstacle> Inspect(FileDescriptor fd, string subject)
    {
        var info = NativeSocket.GetStruct<Libc.tcp_info>(fd, Libc.IPPROTO_TCP, Libc.TCP_INFO, "getsockopt(TCP_INFO)", subject);
        if (OfState((TcpState)info.tcpi_state) is { } state)
        {
            yield return state;
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

        if ((NativeSocket.Poll(fd, Libc.POLLPRI, 0) & Libc.POLLPRI) != 0
            || NativeSocket.IoctlInt(fd, Libc.SIOCATMARK, "ioctl(SIOCATMARK)", subject) != 0)
        {
            yield return new CheckpointObstacle(
                "urgent-data", "urgent data is pending, which hides part of the receive queue", "Let the program read it, then try again.");
        }

        if (OfOptions(info.tcpi_options) is { } loss)
        {
            yield return loss;
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
                TcpState.Listen => "A listening socket has no session: start the new server with its own.",
                TcpState.TimeWait => "It is over: no process has it, only the kernel waits, so that nothing late disturbs a new connection.",
                TcpState.SynReceived => "No process has it before its handshake is done: wait for that.",
                TcpState.SynSent => "Wait until its handshake is done.",
                TcpState.Closed => "It is over: let its program open another.",
                _ => "",
            });

    /// <summary>The states that are dumped and restored: those of a connection whose handshake is done and that a process has.</summary>
    internal static bool IsTaken(TcpState state) => state is TcpState.Established or TcpState.CloseWait or TcpState.FinWait1 or TcpState.FinWait2
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
        : new CheckpointObstacle("ecn", "it uses ECN, which a restored connection does not: marks of congestion are not heard any more", "", IsLoss: true);

    private static int ReadInt(FileDescriptor fd, int option, string operation, string subject) =>
        NativeSocket.GetInt(fd, Libc.SOL_SOCKET, option, operation, subject);

    private static bool HasOption(FileDescriptor fd, int level, int option, int atLeast)
    {
        Span<byte> scratch = stackalloc byte[64];
        return NativeSocket.TryGet(fd, level, option, scratch, out int length, out _) && length >= atLeast;
    }

    private static CheckpointException Refuse(string subject, CheckpointObstacle obstacle)
    {
        string todo = obstacle.Remedy.Length == 0 ? "" : $" {obstacle.Remedy}";
        return new CheckpointException(
            Step, $"{subject} can't be checkpointed: {obstacle.Reason}.{todo}", CheckpointException.NothingChanged, CheckpointFailure.Refused);
    }
}
