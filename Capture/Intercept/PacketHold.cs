using System.Runtime.ExceptionServices;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// One queue with a thread of its own that lets everything pass until <see cref="Hold"/> is called, and from then on keeps every packet in the kernel,
/// with a copy, until <see cref="Release"/>: the lock of a session move. One hold for each direction, each with its own queue number.
/// <para>States: passing, then holding (from <see cref="Hold"/> to the end of <see cref="Release"/>), then passing again. Who receives or decides has the turn, and
/// there is one: nothing overtakes at a switch, and nothing is lost.</para>
/// <para>Threads: every method is for any thread. <see cref="Release"/> and <see cref="DropAll"/> do their work, and ask the predicate, on the caller's: no other has to wake
/// up for it.</para>
/// <para>The rule that sends packets here goes after the release, or before it without harm; closing while packets are held accepts them first.</para>
/// </summary>
public sealed class PacketHold : IDisposable
{
    private readonly Lock _listGate = new();
    private readonly Lock _turn = new();
    private readonly PacketLeasePool _pool = new(bufferLength: 2048, maxIdle: 16384);
    private readonly InterceptedPacketHandler _handler;
    private readonly Thread _thread;
    private List<HeldPacket> _held = new(4096);
    private List<HeldPacket> _releasing = new(4096);
    private readonly List<InterceptedPacket> _accepting = new(4096);
    private readonly List<HeldVerdict> _decided = new(4096);
    private InterceptionQueue _queue = null!;
    private ExceptionDispatchInfo? _threadFailure;
    private volatile bool _holding;
    private volatile bool _stopping;
    private int _wanted;
    private bool _disposed;

    private PacketHold(InterceptionQueueOptions options, HoldDirection direction, NetworkNamespace? networkNamespace)
    {
        Direction = direction;
        _handler = Take;
        using var ready = new ManualResetEventSlim();
        void Body()
        {
            try
            {
                _queue = InterceptionQueue.Open(options);
            }
            catch (Exception exception) when (exception is IOException or ArgumentException or OutOfMemoryException)
            {
                _threadFailure = ExceptionDispatchInfo.Capture(exception);
            }

            // Taken before the signal: the constructor's event is gone once it returns.
            bool isOpen = _threadFailure is null;
            ready.Set();
            if (isOpen)
            {
                Loop();
            }
        }

        string name = $"hold queue {options.Number}";
        if (networkNamespace is null)
        {
            _thread = new Thread(Body) { IsBackground = true, Name = name };
            _thread.Start();
        }
        else
        {
            _thread = networkNamespace.StartThread(name, Body);
        }

        ready.Wait();
        _threadFailure?.Throw();
    }

    /// <summary>Which way its packets travel.</summary>
    public HoldDirection Direction { get; }

    /// <summary>The queue number.</summary>
    public ushort QueueNumber => _queue.Number;

    /// <inheritdoc cref="InterceptionQueue.DescriptorNumber"/>
    internal int DescriptorNumber => _queue.DescriptorNumber;

    /// <summary>True from <see cref="Hold"/> to the end of a release.</summary>
    public bool IsHolding => _holding;

    /// <summary>A snapshot of what is held, in order of arrival; its packets stay valid until the release.</summary>
    public IReadOnlyList<HeldPacket> Held
    {
        get
        {
            lock (_listGate)
            {
                return [.. _held];
            }
        }
    }

    /// <summary>How many packets are held now.</summary>
    public int HeldCount
    {
        get
        {
            lock (_listGate)
            {
                return _held.Count;
            }
        }
    }

    /// <summary>Opens the queue, passing, on a thread of its own inside <paramref name="networkNamespace"/> (null: the process's own).</summary>
    /// <exception cref="LinuxException">EPERM without CAP_NET_ADMIN; EBUSY where another process has the queue number.</exception>
    public static PacketHold Start(InterceptionQueueOptions options, HoldDirection direction, NetworkNamespace? networkNamespace = null) =>
        new(options, direction, networkNamespace);

    /// <summary>The queue's counters.</summary>
    public InterceptStatistics ReadStatistics() => _queue.ReadStatistics();

    /// <summary>Holds from now on: when this returns, no packet can pass any more. Waits for the batch that the thread may be working on; well under a microsecond if there is none.</summary>
    /// <exception cref="LinuxException">The hold's thread has ended with this.</exception>
    public void Hold() => TakeTurn(() =>
    {
        // A thread that has ended holds nothing and releases nothing: better known now than in the middle of a move.
        _threadFailure?.Throw();
        _holding = true;
        return default;
    });

    /// <summary>Takes what has come to the queue by now: <see cref="Held"/> then has it.</summary>
    /// <exception cref="LinuxException">The hold's thread has ended with this.</exception>
    public void Settle() => TakeTurn(() =>
    {
        _threadFailure?.Throw();
        _queue.DrainAnswers(_handler);
        return default;
    });

    /// <summary>
    /// Decides about every held packet and goes back to passing. The drops go first, then the accepted ones in order of arrival, as one batch verdict;
    /// where the oldest turns out to be lost in the kernel, each is accepted by itself, so that the losses are counted.
    /// </summary>
    /// <param name="decide">Asked once for each packet, in order of arrival, before the first verdict is given; null accepts all.
    /// If it throws, no verdict is given, everything stays held, and the exception comes out here.</param>
    /// <exception cref="LinuxException">The kernel's queue can't be spoken to.</exception>
    public HoldRelease Release(Func<HeldPacket, HeldVerdict>? decide = null) => TakeTurn(() =>
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _threadFailure?.Throw();
        return Execute(decide ?? (static _ => HeldVerdict.Accept));
    });

    /// <summary>Drops everything that is held and goes back to passing.</summary>
    public HoldRelease DropAll() => Release(static _ => HeldVerdict.Drop);

    /// <summary>
    /// Prepares for the critical section: compiles the code that runs in it, fills the pool for <paramref name="packets"/> packets of up to 2 KiB, and
    /// wakes the thread once.
    /// </summary>
    public void Warm(int packets = 1024)
    {
        CodeWarmup.PrepareAll(
            typeof(PacketHold), typeof(InterceptionQueue), typeof(InterceptedPacket), typeof(HeldPacket), typeof(VerdictBuffer),
            typeof(QueuePacketFields), typeof(PacketLease), typeof(PacketLeasePool), typeof(NetlinkSocket), typeof(NetlinkReceiveBuffer),
            typeof(NetlinkReader), typeof(NetlinkAttributeReader), typeof(NetlinkWriter), typeof(EventDescriptor));
        var leases = new List<PacketLease>(packets);
        for (int i = 0; i < packets; i++)
        {
            PacketLease lease = _pool.Rent(2048);
            lease.WritableData.Clear();
            leases.Add(lease);
        }

        leases.ForEach(lease => lease.Dispose());
        _queue.Wake();
    }

    /// <summary>Accepts what is held, ends the thread and closes the queue.</summary>
    public void Dispose()
    {
        bool isFirst = false;
        try
        {
            _ = TakeTurn(() =>
            {
                isFirst = !_disposed;
                _disposed = true;
                return isFirst && _threadFailure is null && HeldCount > 0 ? Execute(static _ => HeldVerdict.Accept) : default;
            });
        }
        finally
        {
            if (isFirst)
            {
                _stopping = true;
                _queue.Wake();
                _thread.Join();
                _queue.Dispose();
            }
        }
    }

    /// <summary>While it runs, the hold's thread receives nothing; and where it always has something to receive, it gives way.</summary>
    private HoldRelease TakeTurn(Func<HoldRelease> body)
    {
        Interlocked.Increment(ref _wanted);
        lock (_turn)
        {
            Interlocked.Decrement(ref _wanted);
            return body();
        }
    }

    private void Loop()
    {
        try
        {
            while (!_stopping)
            {
                _queue.Wait(timeoutNanoseconds: -1);
                var spin = default(SpinWait);
                while (Volatile.Read(ref _wanted) > 0)
                {
                    spin.SpinOnce(sleep1Threshold: -1);
                }

                lock (_turn)
                {
                    _queue.Receive(_handler, timeoutNanoseconds: 0);
                }
            }
        }
#pragma warning disable CA1031 // A thread's last frame: the failure comes out of what is asked of it next.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _threadFailure = ExceptionDispatchInfo.Capture(exception);
        }
    }

    private void Take(InterceptedPacket packet)
    {
        if (!_holding)
        {
            packet.Accept();
            return;
        }

        PacketLease lease = _pool.Copy(packet.Packet);
        var held = new HeldPacket(packet.KeepAs(lease), lease, Direction);
        lock (_listGate)
        {
            _held.Add(held);
        }
    }

    private HoldRelease Execute(Func<HeldPacket, HeldVerdict> decide)
    {
        (long droppedBefore, long lostBefore) = _queue.ReadFates();
        int total = 0;
        bool isFirstRound = true;
        bool isIntact = true;
        while (TakeHeld(decide))
        {
            total += _releasing.Count;
            DropChosen();
            if (isFirstRound && _accepting.Count > 0)
            {
                isIntact = _queue.AcceptAcknowledged(_accepting[0], _handler);
                _accepting.RemoveAt(0);
            }

            AcceptChosen(isIntact);
            _queue.FlushVerdicts();

            // Reading answers brings further packets, which are held: only once, so that a flood can't keep the release going.
            if (isFirstRound)
            {
                _queue.DrainAnswers(_handler);
                isFirstRound = false;
            }
        }

        // What the socket has by now is younger than everything released: it passes behind it.
        _holding = false;

        // A packet whose drop came too late was lost, not dropped; the queue has moved it from the one count to the other.
        (long droppedAfter, long lostAfter) = _queue.ReadFates();
        int dropped = (int)(droppedAfter - droppedBefore);
        int lost = (int)(lostAfter - lostBefore);
        return new HoldRelease(total - dropped - lost, dropped, lost);
    }

    private bool TakeHeld(Func<HeldPacket, HeldVerdict> decide)
    {
        _decided.Clear();
        int count;
        lock (_listGate)
        {
            count = _held.Count;
        }

        // Only who has the turn adds and removes, so the first "count" stay where they are while the predicate runs without the lock.
        for (int i = 0; i < count; i++)
        {
            _decided.Add(decide(_held[i]));
        }

        lock (_listGate)
        {
            (_held, _releasing) = (_releasing, _held);
            _held.Clear();
        }

        return count > 0;
    }

    private void DropChosen()
    {
        _accepting.Clear();
        for (int i = 0; i < _releasing.Count; i++)
        {
            if (_decided[i] == HeldVerdict.Drop)
            {
                _releasing[i].Packet.Drop();
            }
            else
            {
                _accepting.Add(_releasing[i].Packet);
            }
        }
    }

    private void AcceptChosen(bool isIntact)
    {
        if (isIntact)
        {
            _queue.AcceptBatch(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_accepting));
            return;
        }

        foreach (InterceptedPacket packet in _accepting)
        {
            packet.Accept();
        }
    }
}
