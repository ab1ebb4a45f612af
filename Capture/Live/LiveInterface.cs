using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// One interface of a <see cref="LiveCapture"/>: its ring in the kernel, and the thread that empties it into the capture's queue.
/// <para>Ownership: the capture's. Threads: one of its own; every public member may be called on any.</para>
/// </summary>
public sealed partial class LiveInterface : ILibPcapReceiver, IDisposable
{
    /// <summary>Packets taken between two looks at what else there is to do.</summary>
    private const int BatchLimit = 4096;

    private const int QueueRetryMilliseconds = 5;
    private const int DrainRetryMilliseconds = 5;

    private readonly LibPcapHandle _handle;
    private readonly LibPcapReader _reader;
    private readonly LinkWatch? _watch;
    private readonly PacketBlockQueue _queue;
    private readonly Action<string>? _notice;
    private readonly Thread _thread;
    private readonly bool _hasNanoseconds;
    private readonly LinkStatus? _before;
    private readonly long _startNanoseconds;
    private string _name;
    private PacketBlock _block = new();
    private bool _isStarted;
    private bool _isUnpublished;
    private bool _intakeClosed;
    private long _drainDeadline;
    private LinuxException? _failure;
    private long _taken;
    private long _droppedByUser;
    private volatile bool _stopping;
    private volatile bool _abandoned;

    private LiveInterface(LibPcapHandle handle, LinkWatch? watch, Beginning start, LiveCaptureOptions options, int id, PacketBlockQueue queue, Action<string>? notice)
    {
        Options = options;
        Id = id;
        _handle = handle;
        _watch = watch;
        _before = start.Link;
        _startNanoseconds = start.Nanoseconds;
        _lastPcapCounters = start.Counters;
        _lastCounters = start.Link?.Counters ?? default;
        _name = options.Interface;
        _queue = queue;
        _notice = notice;
        _hasNanoseconds = handle.HasNanoseconds;
        Description = new CaptureInterface((LinkType)LibPcapLinkType.FromDlt(handle.DataLink), handle.SnapLength, options.Interface)
        {
            Filter = options.Filter.Length == 0 ? null : options.Filter,
            Comment = IsAny ? $"Interfaces by index when the capture began: {string.Join(", ", LinuxInterfaces.Indices().Select(static at => $"{at.Index} {at.Name}"))}." : null,
        };
        _reader = new LibPcapReader(handle, this);
        _thread = new Thread(Run) { IsBackground = true, Name = $"capture {options.Interface}" };
    }

    /// <summary>What was asked for.</summary>
    public LiveCaptureOptions Options { get; }

    /// <summary>Its number in the capture, from 0, which its packets carry.</summary>
    public int Id { get; }

    /// <summary>As a capture file describes it: name, link type, the snap length as granted, the filter.</summary>
    public CaptureInterface Description { get; }

    /// <summary>What libpcap could not do as asked and went on without, as promiscuous mode; null if there was nothing.</summary>
    public string? Warning { get; private init; }

    private bool IsAny => Options.Interface == LiveCaptureOptions.AnyInterface;

    internal void Start()
    {
        _isStarted = true;
        _thread.Start();
    }

    /// <summary>Takes no further packet from the kernel; those that it has gathered are still delivered. Returns at once.</summary>
    internal void Stop()
    {
        _stopping = true;
        _reader.Wake();
    }

    /// <summary>Ends the thread where it is, waits for it, and closes. The capture does it.</summary>
    void IDisposable.Dispose() => End();

    internal void End()
    {
        _abandoned = true;
        _queue.Abandon();
        _reader.Wake();
        if (_isStarted)
        {
            _thread.Join();
        }

        CloseCounters();
        _reader.Dispose();
        _watch?.Dispose();
        _handle.Dispose();
    }

    void ILibPcapReceiver.Receive(in PcapPacketHeader header, ReadOnlySpan<byte> data)
    {
        long nanoseconds = (header.Seconds * CaptureTimestamp.NanosecondsPerSecond) + (_hasNanoseconds ? header.Fraction : header.Fraction * 1000);
        if (_abandoned || nanoseconds < _startNanoseconds)
        {
            return;
        }

        Volatile.Write(ref _taken, _taken + 1);
        var originalLength = (int)Math.Min(header.OriginalLength, int.MaxValue);
        if (_block.TryAppend(nanoseconds, originalLength, Id, data))
        {
            return;
        }

        Publish();
        if (_isUnpublished && _abandoned)
        {
            Volatile.Write(ref _taken, _taken - 1);
        }
        else if (_isUnpublished)
        {
            Volatile.Write(ref _droppedByUser, _droppedByUser + 1);
        }
        else
        {
            _block.TryAppend(nanoseconds, originalLength, Id, data);
        }
    }

    /// <summary>The thread: from the kernel's ring into the queue until it is stopped or the interface is lost.</summary>
    private void Run()
    {
        Exception? failure;
        try
        {
            failure = ReadToEnd();
        }
#pragma warning disable CA1031 // The top of a thread: the reader of the queue gets it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            failure = exception;
        }

        _queue.Complete(_block, failure);
    }

    private LinuxException? ReadToEnd()
    {
        while (!_abandoned)
        {
            if (_stopping && !_intakeClosed)
            {
                CloseIntake();
            }

            int taken = _reader.Read(BatchLimit);
            if (taken > 0)
            {
                _drainDeadline = _intakeClosed ? DrainDeadline() : 0;
                continue;
            }

            Publish();
            if (taken < 0)
            {
                FindFailure(_handle.LastError);
            }

            if (_intakeClosed && IsDrained())
            {
                break;
            }

            if (_reader.Wait(_watch?.Events, WaitTime))
            {
                FollowLink();
            }
        }

        return _failure;
    }

    private int WaitTime => _intakeClosed ? DrainRetryMilliseconds : _isUnpublished ? QueueRetryMilliseconds : Timeout.Infinite;

    /// <summary>Hands the filled block over. Once nothing more is lost by it, waits for room.</summary>
    private void Publish()
    {
        PacketBlock? next = _intakeClosed ? _queue.Publish(_block) : _queue.TryPublish(_block);
        _isUnpublished = next is null;
        _block = next ?? _block;
    }

    private void CloseIntake()
    {
        _intakeClosed = true;
        _handle.TryRejectAll();
        StopLinkCounters();
        _drainDeadline = DrainDeadline();
    }

    /// <summary>The kernel hands the last packets over when its time for gathering is over.</summary>
    private long DrainDeadline() =>
        Clock.MonotonicNanoseconds() + CaptureTimestamp.NanosecondsPerSecond + (long)Math.Min(Options.GatherTime.TotalNanoseconds, 2e9);

    /// <summary>Every packet that the kernel took is ours, by its own count.</summary>
    private bool IsDrained() => PacketsInRing() <= 0 || Clock.MonotonicNanoseconds() > _drainDeadline;

    /// <summary>After an error of libpcap, which comes again as long as it has no packet for us: what was gathered is still in the ring.</summary>
    private void FindFailure(string error)
    {
        FollowLink();
        if (_failure is null)
        {
            Lose(new LinuxException(Errno.EIO, "capture", $"interface {Options.Interface}", $"libpcap says: {error}."));
        }
    }

    /// <summary>Something changed about the interfaces: looks at ours.</summary>
    private void FollowLink()
    {
        _watch?.Drain();
        if (_watch is null || _failure is not null)
        {
            return;
        }

        LinkStatus? now = QueryLink();
        string subject = $"interface {_name}";
        if (now is null)
        {
            Lose(new LinuxException(Errno.ENODEV, "capture", subject, "It was deleted, or moved to another network namespace, while it was captured; what came before is kept."));
        }
        else if (!now.IsUp)
        {
            Lose(new LinuxException(Errno.ENETDOWN, "capture", subject,
                $"It was switched off while it was captured; what came before is kept. Bring it up with: ip link set {now.Name} up, and capture again."));
        }
        else if (now.Name != _name)
        {
            _notice?.Invoke($"interface {_name} is now called {now.Name}; its capture goes on, under the name that it had.");
            _name = now.Name;
        }
    }

    /// <summary>The capture of this interface ends with a failure once what the kernel had gathered is delivered.</summary>
    private void Lose(LinuxException failure)
    {
        _failure = failure;
        CloseIntake();
    }
}
