using System.Diagnostics.CodeAnalysis;
using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// A capture on one interface or several through libpcap, into one bounded queue. When the queue is full packets are dropped and counted. It ends after
/// <see cref="Stop"/>, and with a <see cref="LinuxException"/> when the last of its interfaces went down or away.
/// <para>Threads: a background thread of its own for each interface reads from the kernel; one thread reads the queue, every other member may be called on
/// any. Disposing ends those threads and waits for them. It belongs to the network namespace of the opening thread.</para>
/// </summary>
public sealed class LiveCapture : IDisposable
{
    private readonly PacketBlockQueue _queue;
    private readonly PacketLeasePool _leases = new();
    private readonly CaptureInterface[] _descriptions;
    private readonly CancellationTokenRegistration _stopRegistration;
    private readonly Lock _stopLock = new();
    private PacketBlock? _reading;
    private bool _ended;
    private long _read;
    private bool _disposed;

    private LiveCapture(LiveInterface[] interfaces, PacketBlockQueue queue, CancellationToken stop)
    {
        Interfaces = interfaces;
        _queue = queue;
        _descriptions = [.. interfaces.Select(static at => at.Description)];
        Array.ForEach(interfaces, static at => at.Start());
        _stopRegistration = stop.UnsafeRegister(static capture => ((LiveCapture)capture!).Stop(), this);
    }

    /// <summary>What is captured, in order of the ids that packets carry.</summary>
    public IReadOnlyList<LiveInterface> Interfaces { get; }

    /// <summary>The same as a capture file describes them.</summary>
    public IReadOnlyList<CaptureInterface> Descriptions => _descriptions;

    /// <summary>The names of the interfaces, for a title.</summary>
    public string Name => string.Join(", ", Interfaces.Select(static at => at.Options.Interface));

    /// <summary>Packets taken out of the queue so far.</summary>
    public long PacketsRead => Volatile.Read(ref _read);

    /// <summary>True if the reader would have to wait for the next packet: the moment to show what was gathered.</summary>
    public bool WouldWait => _reading is not { IsRead: false } && !_queue.HasBlocks;

    /// <summary>The counts of all interfaces together; they stand still when the capture has ended.</summary>
    public LiveCaptureStatistics Statistics => Interfaces.Skip(1).Aggregate(Interfaces[0].Statistics, static (sum, at) => sum + at.Statistics);

    /// <summary>Opens an interface and begins.</summary>
    /// <param name="options">What and how.</param>
    /// <param name="stop">Stops the capture as <see cref="Stop"/> does.</param>
    /// <exception cref="FilterSyntaxException">The filter does not compile for the interface's link type.</exception>
    /// <exception cref="LinuxException">
    /// ENODEV with the list of interfaces; EPERM without CAP_NET_RAW; ENETDOWN for an interface that is down; EOPNOTSUPP for a time source it has not got.
    /// </exception>
    /// <exception cref="DllNotFoundException">libpcap is not installed.</exception>
    public static LiveCapture Open(LiveCaptureOptions options, CancellationToken stop = default) => Open([options], null, stop);

    /// <summary>Opens several interfaces and begins on all of them; their queues are one, as long as their <see cref="LiveCaptureOptions.QueueBytes"/> together.</summary>
    /// <param name="options">What and how, one for each.</param>
    /// <param name="notice">
    /// Told, on a thread of the capture, what happened without ending it: an interface was renamed, or went away while others go on. A sentence, whose names are not escaped.
    /// </param>
    /// <param name="stop">Stops the capture as <see cref="Stop"/> does.</param>
    /// <exception cref="FilterSyntaxException">The filter does not compile for an interface's link type.</exception>
    /// <exception cref="LinuxException">As for one interface; those opened before are closed again.</exception>
    /// <exception cref="DllNotFoundException">libpcap is not installed.</exception>
    public static LiveCapture Open(IReadOnlyList<LiveCaptureOptions> options, Action<string>? notice, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfZero(options.Count, nameof(options));
        var queue = new PacketBlockQueue(options.Sum(static at => at.QueueBytes), options.Count, notice);
        var opened = new List<LiveInterface>();
        try
        {
            foreach (LiveCaptureOptions one in options)
            {
                opened.Add(LiveInterface.Open(one, opened.Count, queue, notice));
            }

            return new LiveCapture([.. opened], queue, stop);
        }
        catch
        {
            opened.ForEach(static at => at.End());
            throw;
        }
    }

    /// <summary>
    /// Ends the capture: the kernel adds no packet any more, and the queue ends behind those that it had gathered. Returns at once.
    /// </summary>
    public void Stop()
    {
        lock (_stopLock)
        {
            if (_disposed)
            {
                return;
            }

            foreach (LiveInterface at in Interfaces)
            {
                at.Stop();
            }
        }
    }

    /// <summary>The next packet, in the order in which the threads handed them over; valid until the next call. Waits for it.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="timeout">How long to wait; null for ever.</param>
    /// <returns>False when the time is over, or at the end: <see cref="HasEnded"/> tells.</returns>
    /// <exception cref="LinuxException">The last interface went down or away; every packet before was delivered.</exception>
    public bool TryRead(out CapturedPacket packet, TimeSpan? timeout = null)
    {
        if (_reading is not { IsRead: false } && !TryTakeBlock(timeout))
        {
            packet = default;
            return false;
        }

        packet = _reading!.Take(_descriptions, _read + 1);
        Volatile.Write(ref _read, _read + 1);
        return true;
    }

    /// <summary>A copy of the next packet if there is one now, which the caller disposes.</summary>
    /// <exception cref="LinuxException">The last interface went down or away; every packet before was delivered.</exception>
    public bool TryTake([NotNullWhen(true)] out PacketLease? lease)
    {
        lease = TryRead(out CapturedPacket packet, TimeSpan.Zero) ? _leases.Copy(packet) : null;
        return lease is not null;
    }

    /// <summary>True when every packet was read and none will come.</summary>
    public bool HasEnded => _ended;

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_stopLock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        _stopRegistration.Dispose();
        foreach (LiveInterface at in Interfaces)
        {
            at.End();
        }
    }

    private bool TryTakeBlock(TimeSpan? timeout)
    {
        PacketBlock? read = _reading;
        _reading = null;
        int milliseconds = timeout is { } limit ? (int)Math.Clamp(Math.Ceiling(limit.TotalMilliseconds), 0, int.MaxValue) : Timeout.Infinite;
        _reading = _queue.Take(read, milliseconds, out _ended);
        return _reading is not null || (_ended && _queue.Failure is { } failure ? throw failure : false);
    }
}
