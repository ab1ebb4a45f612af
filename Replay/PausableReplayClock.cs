namespace Interceptor.Replay;

/// <summary>
/// A clock that can be paused, and that leaves out the time in which the process was stopped: nothing is sent in a burst to catch up with it.
/// <para>A pause by <see cref="Toggle"/> is exact. A stop by SIGSTOP tells nobody when it begins: it is counted from the instant at which the thread should have
/// run next, if <see cref="Continued"/> says that there was one.</para>
/// <para>Threads: the sending one uses the clock, any thread pauses it.</para>
/// </summary>
public sealed class PausableReplayClock : IReplayClock
{
    /// <summary>How long the thread sleeps at a time, and so how soon it notices a pause: 20 ms.</summary>
    private const long LongestSleep = 20_000_000;

    /// <summary>Being away for longer may have been a stop; whatever is shorter is caught up as any delay of the machine is.</summary>
    private const long LeastStop = 50_000_000;

    /// <summary>How long the word of SIGCONT is waited for after such an absence: it comes on another thread.</summary>
    private const long WordTakes = 3_000_000;

    /// <summary>How much later it still counts.</summary>
    private const long WordIsLate = 1_000_000_000;

    /// <summary>How often a paused thread looks for a cancellation.</summary>
    private const int LooksEveryMilliseconds = 50;

    private readonly IReplayClock _machine;
    /// <summary>An object and not a <see cref="Lock"/>, as the sending thread waits on it.</summary>
    private readonly object _gate = new();
    private volatile bool _isHeld;
    private bool _byUser;
    private bool _byStop;
    private long _heldSince;
    private long _heldBefore;
    private volatile int _continued;
    private int _continuedSeen;
    private long _outside;
    private long _expected;
    private (long Length, long End) _unexplained;

    /// <param name="machine">The time that goes on; the machine's by default.</param>
    public PausableReplayClock(IReplayClock? machine = null)
    {
        _machine = machine ?? new MonotonicReplayClock();
        _expected = _machine.Now;
    }

    /// <inheritdoc/>
    public bool IsHeld => _isHeld || Volatile.Read(ref _heldBefore) != 0;

    /// <inheritdoc/>
    public long PausedNanoseconds => Volatile.Read(ref _outside);

    /// <inheritdoc/>
    public long Now => Observe() - _outside;

    /// <summary>Pauses, or goes on. Any thread.</summary>
    /// <returns>True if it is paused now.</returns>
    public bool Toggle()
    {
        lock (_gate)
        {
            _byUser = !_byUser;
            ChangeLocked();
            return _byUser;
        }
    }

    /// <summary>The process is about to be stopped (SIGTSTP). Any thread.</summary>
    public void Stopping()
    {
        lock (_gate)
        {
            _byStop = true;
            ChangeLocked();
        }
    }

    /// <summary>The process goes on (SIGCONT). Any thread.</summary>
    public void Continued()
    {
        lock (_gate)
        {
            // A stop that was announced is counted as a pause.
            _continued += _byStop ? 0 : 1;
            _byStop = false;
            ChangeLocked();
        }
    }

    /// <inheritdoc/>
    public long Begin()
    {
        long begin = _machine.Begin();
        _expected = Math.Max(begin, _machine.Now);

        // Once through its own code: the deadline is past already.
        WaitUntil(_expected - _outside, CancellationToken.None);
        return begin - _outside;
    }

    /// <inheritdoc/>
    public void NoteWait() => _expected = _machine.Now;

    /// <inheritdoc/>
    public void WaitUntil(long deadline, CancellationToken cancellation)
    {
        while (true)
        {
            SitOut(cancellation);
            long now = Observe();
            long end = deadline + _outside;
            if (end <= now && !_isHeld)
            {
                return;
            }

            if (end > now)
            {
                _expected = Math.Min(end, now + LongestSleep);
                _machine.WaitUntil(_expected, cancellation);
            }
        }
    }

    /// <summary>Waits for the end of a pause.</summary>
    private void SitOut(CancellationToken cancellation)
    {
        if (!IsHeld)
        {
            return;
        }

        lock (_gate)
        {
            while (_isHeld)
            {
                cancellation.ThrowIfCancellationRequested();
                Monitor.Wait(_gate, LooksEveryMilliseconds);
            }

            _outside += _heldBefore;
            _heldBefore = 0;
        }

        _expected = _machine.Now;
    }

    private void ChangeLocked()
    {
        bool held = _byUser || _byStop;
        if (held == _isHeld)
        {
            return;
        }

        if (held)
        {
            _heldSince = _machine.Now;
        }
        else
        {
            _heldBefore += _machine.Now - _heldSince;
            Monitor.PulseAll(_gate);
        }

        _isHeld = held;
    }

    /// <summary>The machine's time; takes note of an absence.</summary>
    private long Observe()
    {
        long now = _machine.Now;
        long away = now - _expected;
        if (away > LeastStop || _continued != _continuedSeen)
        {
            now = Explain(now, away);
        }

        _expected = Math.Max(_expected, now);
        return now;
    }

    private long Explain(long now, long away)
    {
        if (away > LeastStop)
        {
            _unexplained = (away, now);
            while (_continued == _continuedSeen && _machine.Now - now < WordTakes)
            {
                _machine.WaitUntil(_machine.Now + (WordTakes / 8), CancellationToken.None);
            }
        }

        if (_continued != _continuedSeen)
        {
            _continuedSeen = _continued;
            if (now - _unexplained.End < WordIsLate)
            {
                _outside += _unexplained.Length;
            }

            _unexplained = default;
        }

        return _machine.Now;
    }
}
