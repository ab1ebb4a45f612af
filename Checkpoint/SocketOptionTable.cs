using Interceptor.Interop;

namespace Interceptor.Checkpoint;

/// <summary>When a saved option is set again.</summary>
internal enum OptionPhase
{
    /// <summary>Before bind and connect: it decides about addresses, routing or the first retransmission.</summary>
    BeforeBind,

    /// <summary>After the socket has left repair, which changes SO_REUSEADDR and would refuse some others.</summary>
    AfterResume,
}

/// <summary>A socket option that a checkpoint saves: its native name and the number of 32-bit words of its value.</summary>
internal sealed record SocketOption(string Name, int Level, int Number, int Words, OptionPhase Phase, int Family = Libc.AF_UNSPEC)
{
    /// <summary>True if a socket of this family has the option.</summary>
    internal bool AppliesTo(bool isIpv6Socket) => Family == Libc.AF_UNSPEC || isIpv6Socket || Family == Libc.AF_INET;
}

/// <summary>
/// The options that are saved and set again. Left out on purpose: SO_ERROR (reading clears it), SO_INCOMING_CPU (the processor of the last packet), TCP_FASTOPEN_KEY (a
/// secret; where it was not set it reads as the namespace's), and those that have fields of their own in <see cref="SocketSettings"/>. Not readable and therefore lost: eBPF
/// programs, socket-map membership, epoll registrations, a connection's own limit of its segments (TCP_MAXSEG).
/// </summary>
internal static class SocketOptionTable
{
    internal static IReadOnlyList<SocketOption> All { get; } =
    [
        new("IPV6_V6ONLY", Libc.IPPROTO_IPV6, Libc.IPV6_V6ONLY, 1, OptionPhase.BeforeBind, Libc.AF_INET6),
        new("SO_MARK", Libc.SOL_SOCKET, Libc.SO_MARK, 1, OptionPhase.BeforeBind),
        new("IP_TRANSPARENT", Libc.IPPROTO_IP, Libc.IP_TRANSPARENT, 1, OptionPhase.BeforeBind, Libc.AF_INET),
        new("IP_FREEBIND", Libc.IPPROTO_IP, Libc.IP_FREEBIND, 1, OptionPhase.BeforeBind, Libc.AF_INET),
        new("IPV6_TRANSPARENT", Libc.IPPROTO_IPV6, Libc.IPV6_TRANSPARENT, 1, OptionPhase.BeforeBind, Libc.AF_INET6),
        new("IPV6_FREEBIND", Libc.IPPROTO_IPV6, Libc.IPV6_FREEBIND, 1, OptionPhase.BeforeBind, Libc.AF_INET6),
        new("SO_DONTROUTE", Libc.SOL_SOCKET, Libc.SO_DONTROUTE, 1, OptionPhase.BeforeBind),

        // The timer of what is restored as sent is set in connect, from these.
        new("TCP_RTO_MAX_MS", Libc.IPPROTO_TCP, Libc.TCP_RTO_MAX_MS, 1, OptionPhase.BeforeBind),
        new("TCP_RTO_MIN_US", Libc.IPPROTO_TCP, Libc.TCP_RTO_MIN_US, 1, OptionPhase.BeforeBind),

        new("SO_REUSEADDR", Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 1, OptionPhase.AfterResume),
        new("SO_REUSEPORT", Libc.SOL_SOCKET, Libc.SO_REUSEPORT, 1, OptionPhase.AfterResume),
        new("SO_KEEPALIVE", Libc.SOL_SOCKET, Libc.SO_KEEPALIVE, 1, OptionPhase.AfterResume),
        new("SO_LINGER", Libc.SOL_SOCKET, Libc.SO_LINGER, 2, OptionPhase.AfterResume),
        new("SO_OOBINLINE", Libc.SOL_SOCKET, Libc.SO_OOBINLINE, 1, OptionPhase.AfterResume),
        new("SO_RCVLOWAT", Libc.SOL_SOCKET, Libc.SO_RCVLOWAT, 1, OptionPhase.AfterResume),
        new("SO_RCVTIMEO", Libc.SOL_SOCKET, Libc.SO_RCVTIMEO, 4, OptionPhase.AfterResume),
        new("SO_SNDTIMEO", Libc.SOL_SOCKET, Libc.SO_SNDTIMEO, 4, OptionPhase.AfterResume),
        new("SO_BUSY_POLL", Libc.SOL_SOCKET, Libc.SO_BUSY_POLL, 1, OptionPhase.AfterResume),
        new("SO_MAX_PACING_RATE", Libc.SOL_SOCKET, Libc.SO_MAX_PACING_RATE, 2, OptionPhase.AfterResume),
        new("SO_LOCK_FILTER", Libc.SOL_SOCKET, Libc.SO_LOCK_FILTER, 1, OptionPhase.AfterResume),
        new("SO_ZEROCOPY", Libc.SOL_SOCKET, Libc.SO_ZEROCOPY, 1, OptionPhase.AfterResume),
        new("IP_TOS", Libc.IPPROTO_IP, Libc.IP_TOS, 1, OptionPhase.AfterResume, Libc.AF_INET),

        // Behind IP_TOS, which sets a priority of its own.
        new("SO_PRIORITY", Libc.SOL_SOCKET, Libc.SO_PRIORITY, 1, OptionPhase.AfterResume),
        new("IP_TTL", Libc.IPPROTO_IP, Libc.IP_TTL, 1, OptionPhase.AfterResume, Libc.AF_INET),
        new("IP_MTU_DISCOVER", Libc.IPPROTO_IP, Libc.IP_MTU_DISCOVER, 1, OptionPhase.AfterResume, Libc.AF_INET),
        new("IP_RECVERR", Libc.IPPROTO_IP, Libc.IP_RECVERR, 1, OptionPhase.AfterResume, Libc.AF_INET),
        new("IP_MINTTL", Libc.IPPROTO_IP, Libc.IP_MINTTL, 1, OptionPhase.AfterResume, Libc.AF_INET),
        new("IP_BIND_ADDRESS_NO_PORT", Libc.IPPROTO_IP, Libc.IP_BIND_ADDRESS_NO_PORT, 1, OptionPhase.AfterResume, Libc.AF_INET),
        new("IPV6_UNICAST_HOPS", Libc.IPPROTO_IPV6, Libc.IPV6_UNICAST_HOPS, 1, OptionPhase.AfterResume, Libc.AF_INET6),
        new("IPV6_MTU_DISCOVER", Libc.IPPROTO_IPV6, Libc.IPV6_MTU_DISCOVER, 1, OptionPhase.AfterResume, Libc.AF_INET6),
        new("IPV6_RECVERR", Libc.IPPROTO_IPV6, Libc.IPV6_RECVERR, 1, OptionPhase.AfterResume, Libc.AF_INET6),
        new("IPV6_TCLASS", Libc.IPPROTO_IPV6, Libc.IPV6_TCLASS, 1, OptionPhase.AfterResume, Libc.AF_INET6),
        new("IPV6_MINHOPCOUNT", Libc.IPPROTO_IPV6, Libc.IPV6_MINHOPCOUNT, 1, OptionPhase.AfterResume, Libc.AF_INET6),
        new("IPV6_AUTOFLOWLABEL", Libc.IPPROTO_IPV6, Libc.IPV6_AUTOFLOWLABEL, 1, OptionPhase.AfterResume, Libc.AF_INET6),
        new("IPV6_FLOWINFO_SEND", Libc.IPPROTO_IPV6, Libc.IPV6_FLOWINFO_SEND, 1, OptionPhase.AfterResume, Libc.AF_INET6),
        new("TCP_NODELAY", Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1, OptionPhase.AfterResume),
        new("TCP_KEEPIDLE", Libc.IPPROTO_TCP, Libc.TCP_KEEPIDLE, 1, OptionPhase.AfterResume),
        new("TCP_KEEPINTVL", Libc.IPPROTO_TCP, Libc.TCP_KEEPINTVL, 1, OptionPhase.AfterResume),
        new("TCP_KEEPCNT", Libc.IPPROTO_TCP, Libc.TCP_KEEPCNT, 1, OptionPhase.AfterResume),
        new("TCP_SYNCNT", Libc.IPPROTO_TCP, Libc.TCP_SYNCNT, 1, OptionPhase.AfterResume),
        new("TCP_LINGER2", Libc.IPPROTO_TCP, Libc.TCP_LINGER2, 1, OptionPhase.AfterResume),
        new("TCP_DEFER_ACCEPT", Libc.IPPROTO_TCP, Libc.TCP_DEFER_ACCEPT, 1, OptionPhase.AfterResume),
        new("TCP_FASTOPEN", Libc.IPPROTO_TCP, Libc.TCP_FASTOPEN, 1, OptionPhase.AfterResume),
        new("TCP_FASTOPEN_NO_COOKIE", Libc.IPPROTO_TCP, Libc.TCP_FASTOPEN_NO_COOKIE, 1, OptionPhase.AfterResume),
        new("TCP_SAVE_SYN", Libc.IPPROTO_TCP, Libc.TCP_SAVE_SYN, 1, OptionPhase.AfterResume),
        new("TCP_WINDOW_CLAMP", Libc.IPPROTO_TCP, Libc.TCP_WINDOW_CLAMP, 1, OptionPhase.AfterResume),
        new("TCP_THIN_LINEAR_TIMEOUTS", Libc.IPPROTO_TCP, Libc.TCP_THIN_LINEAR_TIMEOUTS, 1, OptionPhase.AfterResume),
        new("TCP_USER_TIMEOUT", Libc.IPPROTO_TCP, Libc.TCP_USER_TIMEOUT, 1, OptionPhase.AfterResume),
        new("TCP_NOTSENT_LOWAT", Libc.IPPROTO_TCP, Libc.TCP_NOTSENT_LOWAT, 1, OptionPhase.AfterResume),
        new("TCP_INQ", Libc.IPPROTO_TCP, Libc.TCP_INQ, 1, OptionPhase.AfterResume),
        new("TCP_TX_DELAY", Libc.IPPROTO_TCP, Libc.TCP_TX_DELAY, 1, OptionPhase.AfterResume),
        new("TCP_DELACK_MAX_US", Libc.IPPROTO_TCP, Libc.TCP_DELACK_MAX_US, 1, OptionPhase.AfterResume),

        // Last: uncorking or corking before the others would send segments shaped by their defaults.
        new("TCP_CORK", Libc.IPPROTO_TCP, Libc.TCP_CORK, 1, OptionPhase.AfterResume),
        new("TCP_QUICKACK", Libc.IPPROTO_TCP, Libc.TCP_QUICKACK, 1, OptionPhase.AfterResume),
    ];
}
