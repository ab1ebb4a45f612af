using Interceptor.Interop;

namespace Interceptor.Replay.Stateful;

/// <summary>
/// One thread for many sockets: wakes each <see cref="IPolled"/> when its descriptor has something, and at the time that it asked for.
/// <para>Threads: the one that runs it; <see cref="Stop"/> on any.</para>
/// </summary>
internal sealed class EventLoop : IDisposable
{
    private const ulong StopKey = 0;

    private readonly EventPoll _poll = new();
    private readonly EventDescriptor _stop = new();
    private readonly Dictionary<ulong, IPolled> _members = [];
    private readonly PriorityQueue<(ulong Key, long Wake), long> _times = new();
    private readonly Dictionary<ulong, long> _wakes = [];
    private ulong _lastKey = StopKey;
    private volatile bool _isStopped;

    internal EventLoop() => _poll.Add(_stop.Descriptor, EventPoll.Readable, StopKey);

    /// <summary>The time, ns of the monotonic clock.</summary>
    internal static long Now => Clock.MonotonicNanoseconds();

    /// <summary>Someone asked for the end.</summary>
    internal bool IsStopped => _isStopped;

    /// <summary>Takes a member in; returns the key that the other calls ask for.</summary>
    internal ulong Join(IPolled member)
    {
        _members.Add(++_lastKey, member);
        return _lastKey;
    }

    /// <summary>Watches a member's descriptor for events besides failures.</summary>
    internal void Watch(ulong key, FileDescriptor fd, uint events) => _poll.Add(fd, events, key);

    /// <summary>Watches for other events.</summary>
    internal void WatchFor(ulong key, FileDescriptor fd, uint events) => _poll.Change(fd, events, key);

    /// <summary>The member is over. Its descriptor, if it is still open, is no longer watched.</summary>
    internal void Leave(ulong key, FileDescriptor? fd)
    {
        _members.Remove(key);
        _wakes.Remove(key);
        if (fd is { IsClosed: false })
        {
            _poll.Remove(fd);
        }
    }

    /// <summary>Looks again when a member wants to be woken; needed where something else than the loop changed that.</summary>
    internal void Reconsider(ulong key)
    {
        if (_members.TryGetValue(key, out IPolled? member))
        {
            long wake = member.Wake;
            if (wake != long.MaxValue && _wakes.GetValueOrDefault(key, long.MaxValue) != wake)
            {
                _times.Enqueue((key, wake), wake);
            }

            _wakes[key] = wake;
        }
    }

    /// <summary>Wakes members until <paramref name="isOver"/>, <see cref="Stop"/> or the deadline.</summary>
    internal void Run(Func<bool> isOver, long deadline)
    {
        while (!isOver() && !_isStopped)
        {
            long now = Now;
            if (now >= deadline)
            {
                return;
            }

            if (WakeDue(now))
            {
                continue;
            }

            long next = _times.TryPeek(out _, out long wake) ? wake : long.MaxValue;
            int count = _poll.Wait(Math.Min(next, deadline));
            for (int i = 0; i < count; i++)
            {
                (ulong key, uint events) = _poll.Get(i);
                if (events != 0 && _members.TryGetValue(key, out IPolled? member))
                {
                    member.Run(events, Now);
                    Reconsider(key);
                }
            }
        }
    }

    /// <summary>Ends <see cref="Run"/> soon.</summary>
    internal void Stop()
    {
        _isStopped = true;
        _stop.Signal();
    }

    public void Dispose()
    {
        _poll.Dispose();
        _stop.Dispose();
    }

    // True if something was done that may have changed whether it is over.
    private bool WakeDue(long now)
    {
        bool hasRun = false;
        while (_times.TryPeek(out (ulong Key, long Wake) time, out _) && time.Wake <= now)
        {
            _times.Dequeue();
            if (_wakes.GetValueOrDefault(time.Key, long.MaxValue) == time.Wake && _members.TryGetValue(time.Key, out IPolled? member))
            {
                _wakes.Remove(time.Key);
                member.Run(0, Now);
                Reconsider(time.Key);
                hasRun = true;
            }
        }

        return hasRun;
    }
}
