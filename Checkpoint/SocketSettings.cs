namespace Interceptor.Checkpoint;

/// <summary>What an application set on its socket, as the kernel gives it back. Values are the kernel's, unscaled.</summary>
public sealed record SocketSettings
{
    /// <summary>True for a socket of family AF_INET6, also where it talks IPv4 (v4-mapped).</summary>
    public bool IsIpv6Socket { get; init; }

    /// <summary>SO_RCVBUF in bytes as read: twice what was set.</summary>
    public int ReceiveBuffer { get; init; }

    /// <summary>SO_SNDBUF in bytes as read: twice what was set.</summary>
    public int SendBuffer { get; init; }

    /// <summary>SO_BUF_LOCK: bit 0 the send buffer, bit 1 the receive buffer is fixed; a bit not set leaves the kernel's tuning on.</summary>
    public int BufferLock { get; init; }

    /// <summary>TCP_CONGESTION, as <c>cubic</c>.</summary>
    public string CongestionControl { get; init; } = "";

    /// <summary>SO_BINDTODEVICE; empty where unbound.</summary>
    public string BoundDevice { get; init; } = "";

    /// <summary>SO_PEEK_OFF: -1 where off.</summary>
    public int PeekOffset { get; init; } = -1;

    /// <summary>O_NONBLOCK of the open file.</summary>
    public bool NonBlocking { get; init; }

    /// <summary>Of a listening socket: how many connections may wait to be accepted (listen's backlog); 0 for others.</summary>
    public int Backlog { get; init; }

    /// <summary>The attached classic BPF program (SO_ATTACH_FILTER), each instruction as two 32-bit words; empty for none.</summary>
    public int[] Filter { get; init; } = [];

    /// <summary>O_ASYNC of the open file: a signal tells of its readiness.</summary>
    public bool Asynchronous { get; init; }

    /// <summary>F_GETSIG: the signal that is sent instead of SIGIO; 0 for SIGIO.</summary>
    public int Signal { get; init; }

    /// <summary>F_GETOWN: who gets that signal, a process, or a group as a negative number; 0 for nobody.</summary>
    public int SignalReceiver { get; init; }

    /// <summary><see cref="SignalReceiver"/> was the socket's own process: after a restore it is the one that restores.</summary>
    public bool SignalsOwner { get; init; }

    /// <summary>Options by native name; the value as 32-bit words, one for most.</summary>
    public IReadOnlyDictionary<string, int[]> Options { get; init; } = new Dictionary<string, int[]>();
}
