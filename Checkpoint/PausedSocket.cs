using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <summary>
/// Another process's TCP socket, duplicated and put into the kernel's repair mode: no segment leaves it, its queues can be read.
/// <para>Order: <see cref="Attach(SocketOwner)"/> (changes nothing), <see cref="Pause"/>, <see cref="Dump"/>, and then either <see cref="Dispose"/>, after which
/// the connection goes on with its owner exactly as it was, or <see cref="CloseSilently"/>, after which the connection is in the image alone.</para>
/// <para>A listening socket goes the same way, without repair; it must have no connection waiting to be accepted.</para>
/// <para>What repair does not stop: the owner, who reads and gets EPERM, so stop it first (<see cref="FrozenProcess"/>); packets from the peer, and
/// timers that send, so hold both directions first. Without that, <see cref="Dump"/> notices changes and gives up after three tries.</para>
/// <para>Threads: one at a time; any. The socket's network namespace need not be the caller's.</para>
/// </summary>
public sealed partial class PausedSocket : IDisposable
{
    private const string PauseStep = "pause";
    private const string RepairRemedy = "Repairing TCP sockets needs CAP_NET_ADMIN over their network namespace: run as root.";
    private readonly FileDescriptor _fd;
    private readonly string _subject;
    private readonly bool _isIpv6Socket;
    private ProcessDescriptor? _process;
    private ProcessTasks? _tasks;
    private SocketSettings? _settings;
    private IReadOnlyList<CheckpointObstacle> _losses = [];
    private uint _synTimestamp;
    private bool _paused;
    private byte[] _receiveBuffer = [];
    private byte[] _sendBuffer = [];

    private PausedSocket(FileDescriptor fd, SocketOwner owner, bool isIpv6Socket)
    {
        _fd = fd;
        _isIpv6Socket = isIpv6Socket;
        _subject = $"connection {SocketEndpoints.NameOf(owner.Local, owner.Peer)}";
        Owner = owner;
    }

    /// <summary>Whose socket it is.</summary>
    public SocketOwner Owner { get; }

    /// <summary>It listens: it has no queues and no peer, can't be put into repair, and needs none.</summary>
    public bool IsListening => SocketEndpoints.IsNoPeer(Owner.Peer);

    /// <summary>True after <see cref="CloseSilently"/>.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>The duplicate's number, for a guard that duplicates it in turn.</summary>
    internal int DescriptorNumber => _fd.Number;

    /// <summary>The owner's pidfd, for a guard; -1 once the owner was stopped.</summary>
    internal int OwnerDescriptorNumber => _process?.DescriptorNumber ?? -1;

    /// <summary>Bytes that both queues may come to.</summary>
    internal long QueueRoomBytes => (long)_receiveBuffer.Length + _sendBuffer.Length;

    /// <summary>Duplicates the socket and checks that its state can be taken whole. Changes nothing.</summary>
    /// <exception cref="CheckpointException">The connection's state can't be taken (the message says why), or it is gone.</exception>
    /// <exception cref="LinuxException">EPERM without the right to trace the owner.</exception>
    public static PausedSocket Attach(SocketOwner owner)
    {
        var process = ProcessDescriptor.Open(owner.Pid);
        try
        {
            PausedSocket socket = Attach(process.Duplicate(owner.Descriptor), owner);
            try
            {
                socket.RequireNoSignatures();
                socket._tasks = FrozenProcess.OpenTasks(process);
            }
            catch
            {
                socket.Dispose();
                throw;
            }

            socket._process = process;
            return socket;
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    /// <summary>Takes ownership of <paramref name="duplicate"/>, also when it throws.</summary>
    /// <param name="duplicate">A descriptor of the socket.</param>
    /// <param name="owner">Whose it is.</param>
    /// <param name="preparesBuffers">False where there are many: each then gets the memory that its queues need, when they are read.</param>
    internal static PausedSocket Attach(FileDescriptor duplicate, SocketOwner owner, bool preparesBuffers = true)
    {
        string subject = $"connection {SocketEndpoints.NameOf(owner.Local, owner.Peer)}";
        try
        {
            bool isIpv6Socket = SocketEligibility.RequireTcp(duplicate, subject);
            SocketEligibility.RequireWholeState(duplicate, subject);
            var socket = new PausedSocket(duplicate, owner, isIpv6Socket);
            socket.RequireSameConnection();
            if (preparesBuffers)
            {
                socket.PrepareBuffers();
            }

            return socket;
        }
        catch
        {
            duplicate.Dispose();
            throw;
        }
    }

    /// <summary>Enters the network namespace that the socket belongs to, which need not be its owner's. The caller disposes it.</summary>
    /// <exception cref="LinuxException">EPERM without CAP_NET_ADMIN or CAP_SYS_ADMIN.</exception>
    public NetworkNamespace OpenNamespace()
    {
        using FileDescriptor descriptor = NativeSocket.OpenNamespace(_fd, _subject);
        return NetworkNamespace.Open($"/proc/self/fd/{descriptor.Number}");
    }

    /// <summary>The kernel's number of the socket, used once in a boot.</summary>
    internal ulong ReadCookie() => NativeSocket.GetStruct<ulong>(_fd, Libc.SOL_SOCKET, Libc.SO_COOKIE, "getsockopt(SO_COOKIE)", _subject);

    /// <summary>True if the socket belongs to the same network namespace as <paramref name="other"/>.</summary>
    internal bool IsBeside(PausedSocket other)
    {
        using FileDescriptor own = NativeSocket.OpenNamespace(_fd, _subject);
        using FileDescriptor others = NativeSocket.OpenNamespace(other._fd, other._subject);
        return FileStatus.Of(own, _subject).IsSameFile(FileStatus.Of(others, other._subject));
    }

    /// <summary>
    /// Stops the process that the socket was taken from: that one, although its number may belong to another by now. The caller owns the result.
    /// </summary>
    /// <exception cref="LinuxException">It has ended, or is not ours to stop.</exception>
    /// <exception cref="CheckpointException">It did not stop; it goes on.</exception>
    /// <exception cref="InvalidOperationException">It was stopped by this object before.</exception>
    public FrozenProcess StopOwner()
    {
        ProcessDescriptor process = _process ?? throw new InvalidOperationException("The owner was stopped already.");
        ProcessTasks tasks = _tasks!;
        (_process, _tasks) = (null, null);
        return FrozenProcess.Stop(process, tasks);
    }

    /// <summary>Reads, and forgets, what the steps behind this read first: in a freeze, memory that nobody has touched for milliseconds would be half of their time. Changes nothing.</summary>
    internal void Rehearse()
    {
        _ = _tasks?.AreStopped();
        _ = SocketSettingsIo.Read(_fd, _isIpv6Socket, _subject);
        _ = NativeSocket.GetStruct<Libc.tcp_info>(_fd, Libc.IPPROTO_TCP, Libc.TCP_INFO, "getsockopt(TCP_INFO)", _subject);
    }

    /// <summary>Saves the socket's options and puts it into repair.</summary>
    /// <exception cref="CheckpointException">Inner <see cref="LinuxException"/> EPERM without CAP_NET_ADMIN; nothing is changed then.</exception>
    public void Pause()
    {
        ObjectDisposedException.ThrowIf(_fd.IsClosed, this);
        if (_paused || IsClosed)
        {
            throw new InvalidOperationException("The socket is paused already.");
        }

        try
        {
            // Checked again: since Attach the owner ran and the peer could send.
            _losses = SocketEligibility.RequireWholeState(_fd, _subject);
            _settings = SocketSettingsIo.Read(_fd, _isIpv6Socket, _subject, Owner.Pid);
            if (_settings.PeekOffset >= 0)
            {
                NativeSocket.SetInt(_fd, Libc.SOL_SOCKET, Libc.SO_PEEK_OFF, -1, "setsockopt(SO_PEEK_OFF)", _subject);
            }

            _synTimestamp = SocketEndpoints.StateOf(_fd) == TcpState.SynSent ? ReadSynTimestamp() : 0;
            _paused = true;
            if (!IsListening)
            {
                NativeSocket.SetInt(_fd, Libc.IPPROTO_TCP, Libc.TCP_REPAIR, Libc.TCP_REPAIR_ON, "setsockopt(TCP_REPAIR)", _subject);
            }
        }
        catch (LinuxException exception)
        {
            Resume();
            string remedy = exception.IsPermission ? $" {RepairRemedy}" : "";
            throw new CheckpointException(PauseStep, $"{exception.Message}{remedy}", "The connection goes on as before.", cause: exception);
        }
    }

    /// <summary>
    /// Makes an end of the original: the association is dissolved without a packet, though the owner still has its descriptor. From here on only
    /// the image can go on with the connection, and until it does every packet of the peer must be held or dropped, or the kernel answers with a reset.
    /// </summary>
    /// <exception cref="CheckpointException">It failed; the connection is still paused and disposing resumes it.</exception>
    public void CloseSilently()
    {
        RequirePaused();
        try
        {
            if (IsListening)
            {
                // Its owner keeps the port as long as it keeps the descriptor: like this, another may have it, too.
                NativeSocket.SetInt(_fd, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 1, "setsockopt(SO_REUSEADDR)", _subject);
            }

            NativeSocket.Disconnect(_fd, _subject);
        }
        catch (LinuxException exception)
        {
            throw new CheckpointException("close silently", exception.Message, "The connection is still with its owner.", cause: exception);
        }

        IsClosed = true;
        _paused = false;
    }

    /// <summary>Resumes the connection with its owner unless it was closed, and gives the duplicate back.</summary>
    public void Dispose()
    {
        if (!_fd.IsClosed)
        {
            Resume();
            _fd.Dispose();
            _process?.Dispose();
            _tasks?.Dispose();
        }
    }

    /// <summary>
    /// The timestamp of the SYN that was sent last, to the jiffy: its timer runs since. The peer echoes it, and a socket takes no echo from before its own first SYN.
    /// </summary>
    private uint ReadSynTimestamp()
    {
        var info = NativeSocket.GetStruct<Libc.tcp_info>(_fd, Libc.IPPROTO_TCP, Libc.TCP_INFO, "getsockopt(TCP_INFO)", _subject);
        uint rest = SocketEndpoints.DescribeCall(_fd, _subject)?.NextSynMilliseconds ?? 0;
        uint now = (uint)NativeSocket.GetInt(_fd, Libc.IPPROTO_TCP, Libc.TCP_TIMESTAMP, "getsockopt(TCP_TIMESTAMP)", _subject);
        uint since = Math.Max(info.tcpi_rto / 1000, rest) - rest;
        return now - (since * ((info.tcpi_options & Libc.TCPI_OPT_USEC_TS) != 0 ? 1000u : 1u));
    }

    /// <summary>Repair off without a probe, then what repair or the dump changed: SO_REUSEADDR (cleared by leaving repair) and SO_PEEK_OFF.</summary>
    private void Resume()
    {
        if (!_paused)
        {
            return;
        }

        _paused = false;
        if (!IsListening)
        {
            _ = NativeSocket.TrySet(_fd, Libc.IPPROTO_TCP, Libc.TCP_REPAIR, BitConverter.GetBytes(Libc.TCP_REPAIR_OFF_NO_WP));
        }

        if (_settings!.Options.TryGetValue("SO_REUSEADDR", out int[]? reuse))
        {
            _ = NativeSocket.TrySet(_fd, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, BitConverter.GetBytes(reuse[0]));
        }

        if (_settings.PeekOffset >= 0)
        {
            _ = NativeSocket.TrySet(_fd, Libc.SOL_SOCKET, Libc.SO_PEEK_OFF, BitConverter.GetBytes(_settings.PeekOffset));
        }
    }

    /// <summary>Asked in the socket's own namespace. Who may not enter it learns from a later step what is missing.</summary>
    private void RequireNoSignatures()
    {
        try
        {
            using NetworkNamespace network = OpenNamespace();
            network.Run(() => SocketEligibility.RequireNoSignatures(Owner.Local, Owner.Peer, _subject));
        }
        catch (LinuxException exception) when (exception.IsPermission)
        {
        }
    }

    private void RequirePaused()
    {
        ObjectDisposedException.ThrowIf(_fd.IsClosed, this);
        if (!_paused)
        {
            throw new InvalidOperationException(IsClosed ? "The socket is closed already." : "The socket is not paused.");
        }
    }

    /// <summary>Between finding the descriptor and duplicating it the owner may have closed it and opened another under its number.</summary>
    private void RequireSameConnection()
    {
        if (!SocketEndpoints.TryRead(_fd, _subject, out FlowEndpoint local, out FlowEndpoint peer) || local != Owner.Local || peer != Owner.Peer)
        {
            throw new CheckpointException(
                "attach", $"descriptor {Owner.Descriptor} of process {Owner.Pid} is now {local}-{peer} instead of {Owner.Local}-{Owner.Peer}. Try again.",
                CheckpointException.NothingChanged, CheckpointFailure.NotFound);
        }
    }

    /// <summary>Room for both queues, with every page touched: a page fault for each 4 KiB would cost more than the copy, and inside the pause.</summary>
    private void PrepareBuffers()
    {
        const int Minimum = 64 * 1024;
        int receive = NativeSocket.GetInt(_fd, Libc.SOL_SOCKET, Libc.SO_RCVBUF, "getsockopt(SO_RCVBUF)", _subject);
        int send = NativeSocket.GetInt(_fd, Libc.SOL_SOCKET, Libc.SO_SNDBUF, "getsockopt(SO_SNDBUF)", _subject);
        _receiveBuffer = Touched(Math.Max(receive, Minimum));
        _sendBuffer = Touched(Math.Max(send, Minimum));
    }

    private static byte[] Touched(int length)
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(length);
        for (int i = 0; i < length; i += Environment.SystemPageSize)
        {
            buffer[i] = 0;
        }

        return buffer;
    }
}
