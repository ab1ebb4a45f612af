namespace Interceptor.Capture.Live;

/// <summary>
/// The bounded queue between the capture's threads and its reader, in blocks. The blocks are made as they are needed, up to the bound, and used over and over.
/// <para>Threads: any number fill and publish, each with a block of its own; one takes.</para>
/// </summary>
internal sealed class PacketBlockQueue
{
    /// <summary>An object and not a <see cref="Lock"/>, as threads wait on it.</summary>
    private readonly object _gate = new();
    private readonly Queue<PacketBlock> _full = new();
    private readonly Stack<PacketBlock> _free = new();
    private readonly int _bound;
    private readonly int _allProducers;
    private readonly Action<string>? _notice;
    private PacketBlock? _last;
    private Exception? _failure;
    private int _made;
    private int _producers;
    private int _failed;
    private int _waiting;
    private bool _abandoned;

    /// <param name="bytes">How much may wait; at least one block.</param>
    /// <param name="producers">How many threads publish.</param>
    /// <param name="notice">Told of the failure of a thread while others go on.</param>
    internal PacketBlockQueue(long bytes, int producers, Action<string>? notice = null)
    {
        _bound = (int)Math.Clamp(bytes / PacketBlock.Capacity, 1, int.MaxValue);
        _allProducers = producers;
        _producers = producers;
        _notice = notice;
    }

    /// <summary>
    /// Passes a filled block on and gives an empty one (the same, where its packets fitted behind the last that waits); null where the queue is full and
    /// the caller keeps the block.
    /// </summary>
    internal PacketBlock? TryPublish(PacketBlock block)
    {
        lock (_gate)
        {
            PacketBlock? next = ExchangeLocked(block);
            if (next is not null)
            {
                WakeLocked();
            }

            return next;
        }
    }

    /// <summary>The same, waiting for room as long as somebody reads; null when nobody does any more.</summary>
    internal PacketBlock? Publish(PacketBlock block)
    {
        lock (_gate)
        {
            while (!_abandoned)
            {
                if (ExchangeLocked(block) is { } next)
                {
                    WakeLocked();
                    return next;
                }

                WaitLocked(Timeout.Infinite);
            }

            return null;
        }
    }

    /// <summary>A thread publishes no more: its last block follows what waits, whether there is room or not. See <see cref="Failure"/>.</summary>
    internal void Complete(PacketBlock last, Exception? failure)
    {
        bool othersGoOn;
        lock (_gate)
        {
            if (last.Count > 0)
            {
                _full.Enqueue(last);
                _last = last;
            }

            _failure = failure ?? _failure;
            _failed += failure is null ? 0 : 1;
            _producers--;
            othersGoOn = _producers > 0;
            WakeLocked();
        }

        if (failure is not null && othersGoOn)
        {
            _notice?.Invoke($"{failure.Message} The other interfaces go on.");
        }
    }

    /// <summary>Passes a block back that was read, and gives the next; null when there is none yet (<paramref name="ended"/> false) or ever.</summary>
    /// <param name="read">The block that was read, or null.</param>
    /// <param name="timeoutMilliseconds">How long to wait; negative for ever.</param>
    /// <param name="ended">No block will come any more.</param>
    internal PacketBlock? Take(PacketBlock? read, int timeoutMilliseconds, out bool ended)
    {
        lock (_gate)
        {
            ReturnLocked(read);
            long deadline = Environment.TickCount64 + timeoutMilliseconds;
            while (_full.Count == 0)
            {
                ended = _producers == 0;
                int left = timeoutMilliseconds < 0 ? Timeout.Infinite : (int)Math.Max(0, deadline - Environment.TickCount64);
                if (ended || left == 0)
                {
                    return null;
                }

                WaitLocked(left);
            }

            ended = false;
            PacketBlock block = _full.Dequeue();
            _last = _full.Count == 0 ? null : _last;
            return block;
        }
    }

    /// <summary>What ended the last of the threads, where it was a failure that ended each; null while one goes on, and where one was stopped.</summary>
    internal Exception? Failure
    {
        get
        {
            lock (_gate)
            {
                return _failed == _allProducers ? _failure : null;
            }
        }
    }

    /// <summary>True if a block waits.</summary>
    internal bool HasBlocks
    {
        get
        {
            lock (_gate)
            {
                return _full.Count > 0;
            }
        }
    }

    /// <summary>Nobody takes any more.</summary>
    internal void Abandon()
    {
        lock (_gate)
        {
            _abandoned = true;
            WakeLocked();
        }
    }

    /// <summary>The block that takes this one's place, or null where there is no room.</summary>
    private PacketBlock? ExchangeLocked(PacketBlock block)
    {
        if (block.Count == 0 || _last?.TryAppend(block) == true)
        {
            return block;
        }

        if (!_free.TryPop(out PacketBlock? empty))
        {
            if (_made == _bound)
            {
                return null;
            }

            _made++;
            empty = new PacketBlock();
        }

        _full.Enqueue(block);
        _last = block;
        return empty;
    }

    private void ReturnLocked(PacketBlock? read)
    {
        if (read is not null)
        {
            read.Clear();
            _free.Push(read);
            WakeLocked();
        }
    }

    private void WaitLocked(int milliseconds)
    {
        _waiting++;
        Monitor.Wait(_gate, milliseconds);
        _waiting--;
    }

    private void WakeLocked()
    {
        if (_waiting > 0)
        {
            Monitor.PulseAll(_gate);
        }
    }
}
