using System.Runtime.ExceptionServices;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// One NFQUEUE of the kernel: packets that a firewall rule sends here wait until they get their verdict.
/// <para>Threads: driven by the caller. One thread calls <see cref="Receive"/>, again and again; handlers run on it and their verdicts leave together when
/// a batch is done. <see cref="Wake"/>, verdicts on kept packets and <see cref="FlushVerdicts"/> are for any thread. Open it on a thread inside the
/// network namespace it is for (<see cref="NetworkNamespace.Run(Action)"/>); later calls may come from anywhere.</para>
/// <para>Closing (also by SIGKILL) makes the kernel drop what still waits: decide first, then close, and remove the firewall's rule before either.</para>
/// </summary>
public sealed partial class InterceptionQueue : IDisposable
{
    private const int MaxDrainedBatches = 4096;
    private readonly Lock _gate = new();
    private readonly NetlinkSocket _socket;
    private readonly NetlinkReceiveBuffer _buffer;
    private readonly EventDescriptor _wake = new();
    private readonly VerdictBuffer _verdicts;
    private readonly InterceptedPacket _lent;
    private readonly DefaultVerdict _default;
    private readonly KernelQueueFile _kernelFile;
    private long _received;
    private long _accepted;
    private long _dropped;
    private long _edited;
    private long _lost;
    private long _defaulted;
    private long _malformed;
    private long _overruns;
    private int _kept;
    private bool _disposed;

    private InterceptionQueue(InterceptionQueueOptions options)
    {
        Number = options.Number;
        _default = options.Default;
        _kernelFile = KernelQueueFile.Open(options.Number);
        _socket = NetlinkSocket.Open(Libc.NETLINK_NETFILTER, $"queue {options.Number}");
        _verdicts = new VerdictBuffer(_socket, options.Number);
        _lent = new InterceptedPacket(this);

        // Attributes beside the payload are far below 1 KiB; a slot that is too short would cut the packet's message.
        _buffer = new NetlinkReceiveBuffer(options.BatchLength, NetlinkWriter.Align(options.CopyRange) + 1024, touch: false);
    }

    /// <summary>The queue number.</summary>
    public ushort Number { get; }

    /// <summary>The netlink socket's descriptor, for a guard that duplicates it.</summary>
    internal int DescriptorNumber => _socket.DescriptorNumber;

    /// <summary>The flags in force.</summary>
    public InterceptionQueueFlags Flags { get; private set; }

    /// <summary>The flags that were wanted and that this kernel does not have.</summary>
    public InterceptionQueueFlags RefusedFlags { get; private set; }

    /// <summary>Bytes of the netlink receive buffer as the kernel reports it (twice what was granted).</summary>
    public int ReceiveBufferBytes { get; private set; }

    /// <summary>Opens a queue in the calling thread's network namespace.</summary>
    /// <exception cref="LinuxException">EPERM without CAP_NET_ADMIN; EBUSY where another process has the number.</exception>
    public static InterceptionQueue Open(InterceptionQueueOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.CopyRange, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.CopyRange, QueueProtocol.MaxCopyRange);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BatchLength, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.BatchLength, 1024);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.MaxLength);
        var queue = new InterceptionQueue(options);
        try
        {
            queue._socket.ConnectToKernel();
            queue.ReceiveBufferBytes = queue._socket.SetReceiveBuffer(options.ReceiveBufferBytes);
            if (!options.ReportOverruns)
            {
                queue._socket.TryEnable(Libc.NETLINK_NO_ENOBUFS);
            }

            queue.Configure(options);
            return queue;
        }
        catch
        {
            queue.Dispose();
            throw;
        }
    }

    /// <summary>A snapshot of the counters; the kernel's are read from /proc now (0 where that can't be read). Any thread.</summary>
    public InterceptStatistics ReadStatistics()
    {
        KernelQueueCounters kernel = ReadKernelCounters() ?? default;
        lock (_gate)
        {
            return new InterceptStatistics
            {
                Received = _received,
                Accepted = _accepted,
                Dropped = _dropped,
                Edited = _edited,
                LostInKernel = _lost,
                Defaulted = _defaulted,
                MalformedMessages = _malformed,
                Overruns = _overruns,
                KernelQueueDropped = kernel.QueueDropped,
                KernelUserDropped = kernel.UserDropped,
            };
        }
    }

    /// <summary>The kernel's own counters of this queue; null where /proc does not show them.</summary>
    public KernelQueueCounters? ReadKernelCounters() => _kernelFile.Read();

    /// <summary>
    /// Takes what waits, up to one batch, and gives each packet to <paramref name="handler"/>; waits for the first if there is none. Verdicts are sent
    /// before this returns. If the handler throws, its packet and the rest of the batch get the default verdict, and the exception goes on.
    /// </summary>
    /// <param name="handler">Decides.</param>
    /// <param name="timeoutNanoseconds">The longest wait; 0 does not wait, negative waits for ever.</param>
    /// <returns>Packets handed over; 0 after a timeout or <see cref="Wake"/>.</returns>
    public int Receive(InterceptedPacketHandler handler, long timeoutNanoseconds = -1)
    {
        NetlinkReceiveResult result = ReceiveBatch(handler, out int packets);
        if (result != NetlinkReceiveResult.Empty || timeoutNanoseconds == 0 || !Wait(timeoutNanoseconds))
        {
            return packets;
        }

        ReceiveBatch(handler, out packets);
        return packets;
    }

    /// <summary>Waits until something can be received; false after the timeout (negative: none) or <see cref="Wake"/>. One thread at a time, while another may be receiving.</summary>
    internal bool Wait(long timeoutNanoseconds) => _socket.Wait(_wake, timeoutNanoseconds);

    /// <summary>Ends the present or the next wait of <see cref="Receive"/>. Any thread.</summary>
    public void Wake() => _wake.Signal();

    /// <summary>Sends verdicts given outside a handler. Any thread.</summary>
    public void FlushVerdicts()
    {
        lock (_gate)
        {
            _verdicts.Flush();
        }
    }

    /// <summary>Closes the queue; the kernel drops what was not decided.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _socket.Dispose();
            _wake.Dispose();
            _buffer.Dispose();
            _kernelFile.Dispose();
        }
    }

    /// <summary>
    /// Accepts one kept packet and asks the kernel whether it still had it. The kernel answers before the send returns, so the answer is read at once;
    /// packets met on the way go to <paramref name="handler"/>. Receiving thread only, or who keeps it from receiving. False if the packet was lost in the kernel.
    /// </summary>
    internal bool AcceptAcknowledged(InterceptedPacket packet, InterceptedPacketHandler handler)
    {
        uint id = packet.Id;
        lock (_gate)
        {
            _hasAnswer = false;
            CountVerdict(packet, QueueProtocol.Accept, isEdit: false);
            _verdicts.Add(id, QueueProtocol.Accept, null, default, acknowledge: true);
            _verdicts.Flush();
        }

        while (!_hasAnswer && ReceiveBatch(handler, out _) != NetlinkReceiveResult.Empty)
        {
        }

        return !_hasAnswer || _answer == 0;
    }

    /// <summary>Accepts kept packets with one batch verdict up to the last of them; all older ones must have been decided, or be among them.</summary>
    internal void AcceptBatch(ReadOnlySpan<InterceptedPacket> packets)
    {
        if (packets.IsEmpty)
        {
            return;
        }

        lock (_gate)
        {
            foreach (InterceptedPacket packet in packets)
            {
                CountVerdict(packet, QueueProtocol.Accept, isEdit: false);
            }

            _verdicts.AcceptUpTo(packets[^1].Id, (uint)packets.Length);
        }
    }

    /// <summary>Reads the answers to verdicts sent before, and packets met on the way, until nothing waits (bounded: a flood does not keep it). Receiving thread only, or who keeps it from receiving.</summary>
    internal void DrainAnswers(InterceptedPacketHandler handler)
    {
        for (int i = 0; i < MaxDrainedBatches && ReceiveBatch(handler, out _) != NetlinkReceiveResult.Empty; i++)
        {
        }
    }

    internal (long Dropped, long Lost) ReadFates()
    {
        lock (_gate)
        {
            return (_dropped, _lost);
        }
    }

    /// <summary>Packets that are kept and not decided, and those whose verdict came too late.</summary>
    internal (int Kept, long Lost) ReadKept()
    {
        lock (_gate)
        {
            return (_kept, _lost);
        }
    }

    internal ReadOnlySpan<byte> BorrowedBytes(int slot, int offset, int length) => _buffer.Message(slot).Slice(offset, length);

    internal InterceptedPacket Keep(InterceptedPacket lent, PacketLease lease)
    {
        var kept = new InterceptedPacket(this);
        lock (_gate)
        {
            // A kept packet that is kept again only changes hands.
            if (!lent.IsKept)
            {
                _kept++;
            }

            kept.TakeOver(lent, lease);
        }

        return kept;
    }

    internal void Decide(InterceptedPacket packet, uint verdict, uint? mark, ReadOnlySpan<byte> payload)
    {
        lock (_gate)
        {
            packet.ThrowUnlessUndecided();
            bool isLent = !packet.IsKept;

            // The payload may be the packet's own bytes: the verdict is written before the lease goes back.
            if (verdict == QueueProtocol.Accept && isLent && _kept == 0 && mark is null && payload.IsEmpty)
            {
                _verdicts.AcceptUpTo(packet.Id);
            }
            else
            {
                _verdicts.Add(packet.Id, verdict, mark, payload);
            }

            CountVerdict(packet, verdict, !payload.IsEmpty);
        }
    }

    internal void DecideByDefault(InterceptedPacket packet)
    {
        // Most are decided: a verdict is final, so that shows without the lock.
        if (!packet.IsUndecided)
        {
            return;
        }

        lock (_gate)
        {
            if (packet.IsUndecided)
            {
                _defaulted++;
                Decide(packet, _default == DefaultVerdict.Accept ? QueueProtocol.Accept : QueueProtocol.Drop, null, default);
            }
        }
    }

    private void CountVerdict(InterceptedPacket packet, uint verdict, bool isEdit)
    {
        packet.ThrowUnlessUndecided();
        ref long fate = ref verdict == QueueProtocol.Drop ? ref _dropped : ref isEdit ? ref _edited : ref _accepted;
        fate++;
        if (packet.IsKept)
        {
            _kept--;
        }

        packet.MarkDecided();
    }

    private NetlinkReceiveResult ReceiveBatch(InterceptedPacketHandler? handler, out int packets)
    {
        packets = 0;
        NetlinkReceiveResult result = _socket.Receive(_buffer, out int count);
        if (result == NetlinkReceiveResult.Overrun)
        {
            lock (_gate)
            {
                _overruns++;
            }
        }

        if (count == 0)
        {
            return result;
        }

        ExceptionDispatchInfo? failure = null;
        long now = Clock.RealtimeNanoseconds();
        for (int slot = 0; slot < count; slot++)
        {
            packets += TakeDatagram(slot, new CaptureTimestamp(now), failure is null ? handler : null, ref failure);
        }

        FlushVerdicts();
        failure?.Throw();
        return result;
    }
}
