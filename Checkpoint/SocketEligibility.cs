using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <summary>Refuses, before anything is changed, connections whose state the kernel can't give whole.</summary>
internal static class SocketEligibility
{
    private const string Step = "check";
    private const int IpprotoMptcp = 262;

    /// <summary>Returns the socket's family; throws with the reason and the remedy where it can't be checkpointed.</summary>
    internal static bool RequireTcp(FileDescriptor fd, string subject)
    {
        int domain = NativeSocket.GetInt(fd, Libc.SOL_SOCKET, Libc.SO_DOMAIN, "getsockopt(SO_DOMAIN)", subject);
        int type = NativeSocket.GetInt(fd, Libc.SOL_SOCKET, Libc.SO_TYPE, "getsockopt(SO_TYPE)", subject);
        int protocol = NativeSocket.GetInt(fd, Libc.SOL_SOCKET, Libc.SO_PROTOCOL, "getsockopt(SO_PROTOCOL)", subject);
        if (protocol == IpprotoMptcp)
        {
            throw Refuse(subject, "it is an MPTCP socket, whose subflows the kernel does not let anyone repair",
                "Start the program without MPTCP (Go: GODEBUG=multipathtcp=0).");
        }

        if (domain is not (Libc.AF_INET or Libc.AF_INET6) || type != Libc.SOCK_STREAM || protocol != Libc.IPPROTO_TCP)
        {
            throw Refuse(subject, $"it is no TCP socket (family {domain}, type {type}, protocol {protocol})", "");
        }

        return domain == Libc.AF_INET6;
    }

    /// <summary>Refuses state that would be lost silently. Reads only.</summary>
    internal static void RequireWholeState(FileDescriptor fd, string subject)
    {
        var info = NativeSocket.GetStruct<Libc.tcp_info>(fd, Libc.IPPROTO_TCP, Libc.TCP_INFO, "getsockopt(TCP_INFO)", subject);
        var state = (TcpState)info.tcpi_state;
        if (state != TcpState.Established)
        {
            throw Refuse(subject, $"its state is {state.ToRfcName()}; only ESTABLISHED connections are taken",
                state == TcpState.Listen ? "A listening socket has no session: start the new server with its own." : "");
        }

        if (SocketSettingsIo.ReadOptionalInt(fd, Libc.IPPROTO_TCP, Libc.TCP_IS_MPTCP, 0) != 0)
        {
            throw Refuse(subject, "it is an MPTCP subflow", "Start the program without MPTCP.");
        }

        string layer = SocketSettingsIo.ReadName(fd, Libc.IPPROTO_TCP, Libc.TCP_ULP);
        if (layer.Length > 0)
        {
            throw Refuse(subject, $"the kernel runs '{layer}' on it, whose keys and record state can't be read", "Turn kernel TLS off in the program.");
        }

        Span<byte> scratch = stackalloc byte[64];
        if (NativeSocket.TryGet(fd, Libc.IPPROTO_TCP, Libc.TCP_AO_INFO, scratch, out _, out _))
        {
            throw Refuse(subject, "it is authenticated with TCP-AO, whose keys can't be read", "");
        }

        if (NativeSocket.TryGet(fd, Libc.IPPROTO_IP, Libc.IP_OPTIONS, scratch, out int length, out _) && length > 0)
        {
            throw Refuse(subject, "it uses IP options, which change its routing", "");
        }

        if ((NativeSocket.Poll(fd, Libc.POLLPRI, 0) & Libc.POLLPRI) != 0
            || NativeSocket.IoctlInt(fd, Libc.SIOCATMARK, "ioctl(SIOCATMARK)", subject) != 0)
        {
            throw Refuse(subject, "urgent data is pending, which hides part of the receive queue", "Let the program read it, then try again.");
        }
    }

    /// <summary>Refuses a connection whose segments are signed: the key can't be read. In the calling thread's network namespace.</summary>
    internal static void RequireNoSignatures(FlowEndpoint local, FlowEndpoint peer, string subject)
    {
        Span<byte> localAddress = stackalloc byte[local.Address.Version == 4 ? 4 : 16];
        Span<byte> peerAddress = stackalloc byte[localAddress.Length];
        local.Address.CopyTo(localAddress);
        peer.Address.CopyTo(peerAddress);
        if (SocketDiagnostics.IsMd5Signed(localAddress, local.Port, peerAddress, peer.Port))
        {
            throw Refuse(subject, "it is authenticated with TCP MD5 signatures, whose key can't be read", "");
        }
    }

    private static CheckpointException Refuse(string subject, string reason, string remedy)
    {
        string todo = remedy.Length == 0 ? "" : $" {remedy}";
        return new CheckpointException(
            Step, $"{subject} can't be checkpointed: {reason}.{todo}", CheckpointException.NothingChanged, CheckpointFailure.Refused);
    }
}
