using System.Runtime.InteropServices;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// Keeps a <see cref="SocketOwnerTable"/> up to date: looks ten times a second, and at once when a TCP connection is opened or somebody waits for what is newer, but so
/// that it takes no more than a third of one processor.
/// <para>Threads: some in the background of its own; every member may be called on any. It belongs to the network namespace of the thread that starts it.
/// Disposing ends the thread and the table.</para>
/// </summary>
public sealed class SocketOwnerWatch : IDisposable
{
    private const long ShortestPeriod = 100_000_000;
    private const int PeriodShare = 20;
    private const int RequestedShare = 2;

    private const int MostOpenings = 1024;

    private readonly object _gate = new();
    private readonly List<SocketOpening> _openings = [];
    private readonly List<SocketOpening> _lookedAt = [];
    private readonly Thread _thread;
    private readonly OpeningAlarm? _alarm;
    private CaptureTimestamp _pictureOf;
    private Exception? _failure;
    private bool _isRequested;
    private bool _isStopping;

    private SocketOwnerWatch(SocketOwnerTable table)
    {
        Table = table;
        Look();
        Table.WarmUp(Clock.MonotonicNanoseconds());
        _thread = new Thread(Run) { IsBackground = true, Name = "socket owners" };
        _thread.Start();
        _alarm = OpeningAlarm.TryStart(Hear);
    }

    /// <summary>The table; its refreshing is this object's.</summary>
    public SocketOwnerTable Table { get; }

    /// <summary>Looks for the first time, and begins.</summary>
    /// <param name="preferred">As for <see cref="SocketOwnerTable.Prefer"/>.</param>
    /// <exception cref="LinuxException">The kernel can't be asked.</exception>
    public static SocketOwnerWatch Start(IEnumerable<int> preferred)
    {
        SocketOwnerTable table = SocketOwnerTable.Open();
        try
        {
            table.Prefer(preferred);
            return new SocketOwnerWatch(table);
        }
        catch
        {
            table.Dispose();
            throw;
        }
    }

    /// <summary>True if the table shows what there was at <paramref name="instant"/> or later.</summary>
    public bool Shows(CaptureTimestamp instant)
    {
        lock (_gate)
        {
            return ShowsLocked(instant);
        }
    }

    /// <summary>Waits until the table shows what there was at <paramref name="instant"/> or later; false after <paramref name="patience"/>.</summary>
    /// <exception cref="LinuxException">The kernel could not be asked any more.</exception>
    public bool WaitFor(CaptureTimestamp instant, TimeSpan patience)
    {
        long end = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        lock (_gate)
        {
            while (!ShowsLocked(instant))
            {
                long left = end - Environment.TickCount64;
                if (left <= 0 || _isStopping)
                {
                    return false;
                }

                if (_failure is not null)
                {
                    throw new LinuxException(Errno.EIO, "look up", "the owners of sockets", _failure.Message);
                }

                RequestLocked();
                Monitor.Wait(_gate, (int)left);
            }

            return true;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _alarm?.Dispose();
        lock (_gate)
        {
            _isStopping = true;
            Monitor.PulseAll(_gate);
        }

        _thread.Join();
        Table.Dispose();
    }

    /// <summary>A connection was opened. Beyond what can wait, one is found by the next look at everything, if it is still there.</summary>
    private void Hear(SocketOpening opening)
    {
        lock (_gate)
        {
            if (_openings.Count < MostOpenings)
            {
                _openings.Add(opening);
                Monitor.PulseAll(_gate);
            }
        }
    }

    private void RequestLocked()
    {
        _isRequested = true;
        Monitor.PulseAll(_gate);
    }

    private bool ShowsLocked(CaptureTimestamp instant) => _pictureOf.Nanoseconds >= instant.Nanoseconds;

    private void Run()
    {
        try
        {
            long took = 0;
            while (Await(took))
            {
                took = Look();
            }
        }
#pragma warning disable CA1031 // The top of a thread: who waits for it gets it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            lock (_gate)
            {
                _failure = exception;
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>Rests, shorter where somebody waits; false when it is over.</summary>
    private bool Await(long took)
    {
        long start = Clock.MonotonicNanoseconds();
        lock (_gate)
        {
            while (!_isStopping)
            {
                // First, as these sockets may be gone in a moment; who waits for everything waits for them too.
                if (_openings.Count > 0)
                {
                    LookAtOpeningsLocked();
                }

                long pause = _isRequested ? RequestedShare * took : Math.Max(ShortestPeriod, PeriodShare * took);
                long left = start + pause - Clock.MonotonicNanoseconds();
                if (left <= 0)
                {
                    return true;
                }

                if (_openings.Count > 0)
                {
                    continue;
                }

                Monitor.Wait(_gate, (int)Math.Max(1, left / 1_000_000));
            }

            return false;
        }
    }

    /// <summary>Looks at the connections that were opened since; lets go of the lock meanwhile.</summary>
    private void LookAtOpeningsLocked()
    {
        _lookedAt.Clear();
        _lookedAt.AddRange(_openings);
        _openings.Clear();
        Monitor.Exit(_gate);
        try
        {
            Table.Look(CollectionsMarshal.AsSpan(_lookedAt), Clock.MonotonicNanoseconds());
        }
        finally
        {
            Monitor.Enter(_gate);
        }
    }

    /// <summary>Looks once; returns how long that took.</summary>
    private long Look()
    {
        lock (_gate)
        {
            _isRequested = false;
        }

        var instant = new CaptureTimestamp(Clock.RealtimeNanoseconds());
        long start = Clock.MonotonicNanoseconds();
        try
        {
            Table.Refresh(start);
        }
        catch (LinuxException exception) when (exception.Errno is Errno.ENOBUFS or Errno.ETIMEDOUT)
        {
            // The next look may succeed; this one showed nothing.
            return Clock.MonotonicNanoseconds() - start;
        }

        lock (_gate)
        {
            _pictureOf = instant;
            Monitor.PulseAll(_gate);
        }

        return Clock.MonotonicNanoseconds() - start;
    }
}
