namespace Interceptor.Replay;

/// <summary>
/// A thread reads some megabytes ahead, so that no deadline waits for a disk or for the judging of packets. What a pipe gives is handed on before it is waited for.
/// <para>Threads: one takes; the reading one is its own, and is left behind where it waits for a pipe that nobody needs any more.</para>
/// </summary>
internal sealed class ReadAheadFeed : IReplayFeed
{
    /// <summary>Blocks under way: 8 MiB.</summary>
    private const int Blocks = 16;

    private const int JoinMilliseconds = 200;
    private const int LooksEveryMilliseconds = 50;

    private readonly ReplayIntake _intake;

    /// <summary>An object and not a <see cref="Lock"/>, as both threads wait on it.</summary>
    private readonly object _gate = new();
    private readonly Queue<ReplayBlock> _full = new(Blocks);
    private readonly Stack<ReplayBlock> _free = new(Blocks);
    private readonly Thread _thread;
    private int _made;
    private bool _abandoned;
    private bool _ended;

    internal ReadAheadFeed(ReplayIntake intake)
    {
        _intake = intake;
        intake.Exchange = Exchange;
        _thread = new Thread(Read) { IsBackground = true, Name = "replay reader" };
        _thread.Start();
    }

    public bool IsReady
    {
        get
        {
            lock (_gate)
            {
                return _full.Count > 0 || _ended;
            }
        }
    }

    public ReplayBlock? Next(ReplayBlock? sent, CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (sent is not null)
            {
                sent.Clear();
                _free.Push(sent);
                Monitor.PulseAll(_gate);
            }

            while (_full.Count == 0 && !_ended)
            {
                cancellation.ThrowIfCancellationRequested();
                Monitor.Wait(_gate, LooksEveryMilliseconds);
            }

            return _full.TryDequeue(out ReplayBlock? block) ? block : null;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _abandoned = true;
            Monitor.PulseAll(_gate);
        }

        _thread.Join(JoinMilliseconds);
    }

    private void Read()
    {
        ReplayBlock? block;
        using (_intake)
        {
            block = Exchange(null, isFull: true);
            while (_intake.Fill(ref block))
            {
                // Until the end.
            }
        }

        lock (_gate)
        {
            if (block is { Count: > 0 } or { Failure: not null })
            {
                _full.Enqueue(block);
            }

            _ended = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Hands a block on and waits for an empty one; null where nobody takes them any more.</summary>
    private ReplayBlock? Exchange(ReplayBlock? filled, bool isFull)
    {
        lock (_gate)
        {
            if (filled is not null)
            {
                _full.Enqueue(filled);
                Monitor.PulseAll(_gate);
            }

            while (!_abandoned)
            {
                if (_free.TryPop(out ReplayBlock? block))
                {
                    return block;
                }

                if (_made < Blocks)
                {
                    _made++;
                    return new ReplayBlock();
                }

                Monitor.Wait(_gate);
            }

            return null;
        }
    }
}
