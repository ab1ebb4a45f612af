using System.Threading.Channels;
using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// A capture on an interface through libpcap. Packets wait in <see cref="Packets"/> as leases, which the reader disposes; when the queue is
/// full they are dropped and counted. The queue ends after <see cref="Stop"/>, and with a <see cref="LinuxException"/> when the interface
/// goes down or away.
/// <para>Threads: one background thread of its own reads from the kernel; every member may be called on any. Disposing stops, waits for
/// that thread, and disposes what nobody has read. It belongs to the network namespace of the opening thread.</para>
/// </summary>
public sealed class LiveCapture : IDisposable
{
    private readonly LibPcapHandle _handle;
    private readonly Channel<PacketLease> _queue;
    private readonly PacketLeasePool _pool;
    private readonly Thread _thread;
    private readonly CancellationTokenRegistration _stopRegistration;
    private readonly Lock _countersLock = new();
    private readonly bool _hasNanoseconds;
    private PcapCounters _lastCounters;
    private long _received;
    private long _droppedByKernel;
    private long _droppedByInterface;
    private long _captured;
    private long _droppedByUser;
    private volatile bool _stopping;
    private int _disposed;

    private LiveCapture(LiveCaptureOptions options, LibPcapHandle handle, string? warning, CancellationToken stop)
    {
        Options = options;
        Warning = warning;
        _handle = handle;
        _hasNanoseconds = handle.HasNanoseconds;
        LinkType = (LinkType)LibPcapLinkType.FromDlt(handle.DataLink);
        SnapLength = handle.SnapLength;
        _pool = new PacketLeasePool(maxIdle: options.QueueLength);
        _queue = Channel.CreateBounded<PacketLease>(new BoundedChannelOptions(options.QueueLength)
        {
            FullMode = BoundedChannelFullMode.Wait,
            SingleWriter = true,
        });
        _thread = new Thread(Read) { IsBackground = true, Name = $"capture {options.Interface}" };
        _thread.Start();
        _stopRegistration = stop.UnsafeRegister(static capture => ((LiveCapture)capture!).Stop(), this);
    }

    /// <summary>What was asked for.</summary>
    public LiveCaptureOptions Options { get; }

    /// <summary>What a packet's first byte belongs to.</summary>
    public LinkType LinkType { get; }

    /// <summary>Bytes kept of a packet, as granted.</summary>
    public int SnapLength { get; }

    /// <summary>What libpcap could not do as asked and went on without, as promiscuous mode; null if there was nothing.</summary>
    public string? Warning { get; }

    /// <summary>The interface as a capture file describes it.</summary>
    public CaptureInterface Interface => new(LinkType, SnapLength, Options.Interface);

    /// <summary>The packets in order of capture. Whoever takes one disposes it.</summary>
    public ChannelReader<PacketLease> Packets => _queue.Reader;

    /// <summary>The counts; they stand still when the capture has ended.</summary>
    public LiveCaptureStatistics Statistics
    {
        get
        {
            lock (_countersLock)
            {
                UpdateCountersLocked();
                return new LiveCaptureStatistics
                {
                    Captured = Interlocked.Read(ref _captured),
                    DroppedByUser = Interlocked.Read(ref _droppedByUser),
                    Received = _received,
                    DroppedByKernel = _droppedByKernel,
                    DroppedByInterface = _droppedByInterface,
                };
            }
        }
    }

    /// <summary>Opens an interface and begins.</summary>
    /// <param name="options">What and how.</param>
    /// <param name="stop">Stops the capture as <see cref="Stop"/> does.</param>
    /// <exception cref="FilterSyntaxException">The filter does not compile for the interface's link type.</exception>
    /// <exception cref="LinuxException">ENODEV with the list of interfaces; EPERM without CAP_NET_RAW; ENETDOWN for an interface that is down.</exception>
    /// <exception cref="DllNotFoundException">libpcap is not installed.</exception>
    public static LiveCapture Open(LiveCaptureOptions options, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrEmpty(options.Interface);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.SnapLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.SnapLength, LiveCaptureOptions.MaximumSnapLength);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.BufferBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.QueueLength);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.GatherTime.TotalMilliseconds);
        LibPcapHandle handle = LibPcapHandle.Create(options.Interface);
        try
        {
            int gather = (int)Math.Clamp(options.GatherTime.TotalMilliseconds, 1, int.MaxValue);
            handle.Configure(options.SnapLength, options.Promiscuous, gather, options.BufferBytes, options.Immediate);
            int status = handle.Activate();
            if (status < 0)
            {
                throw ActivationFailure(status, options.Interface, handle.LastError);
            }

            if (options.Filter.Contains('\0'))
            {
                throw new FilterSyntaxException(options.Filter, options.Filter.IndexOf('\0'), "a zero character can't be part of a filter");
            }

            if (!handle.TrySetFilter(options.Filter, out string error))
            {
                throw new FilterSyntaxException(options.Filter, -1, error);
            }

            return new LiveCapture(options, handle, status == 0 ? null : LibPcapHandle.StatusText(status), stop);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Ends the capture: no packet is added any more, and the queue ends behind those that wait in it. Returns at once.</summary>
    public void Stop()
    {
        _stopping = true;
        try
        {
            _handle.BreakLoop();
        }
        catch (ObjectDisposedException)
        {
            // It had ended.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        Stop();
        _stopRegistration.Dispose();
        _thread.Join();
        lock (_countersLock)
        {
            UpdateCountersLocked();
            _handle.Dispose();
        }

        while (_queue.Reader.TryRead(out PacketLease? lease))
        {
            lease.Dispose();
        }
    }

    /// <summary>The capture's thread: from the kernel's ring into the queue until it is stopped.</summary>
    private void Read()
    {
        Exception? failure = null;
        try
        {
            while (!_stopping)
            {
                int result = _handle.TryNext(out PcapPacketHeader header, out ReadOnlySpan<byte> data);
                if (result == 1)
                {
                    Enqueue(header, data);
                }
                else if (result == LibPcap.PCAP_ERROR)
                {
                    string reason = _handle.LastError;
                    failure = new LinuxException(Errno.ENETDOWN, "capture", $"interface {Options.Interface}", $"{reason}.");
                    break;
                }
            }
        }
#pragma warning disable CA1031 // The top of a thread: the reader of the queue gets it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            failure = exception;
        }

        _queue.Writer.TryComplete(failure);
    }

    private void Enqueue(in PcapPacketHeader header, ReadOnlySpan<byte> data)
    {
        PacketLease lease = _pool.Rent(data.Length);
        data.CopyTo(lease.WritableData);
        lease.Metadata = new PacketMetadata
        {
            Timestamp = CaptureTimestamp.FromSeconds(header.Seconds, _hasNanoseconds ? header.Fraction : header.Fraction * 1000),
            HasTimestamp = true,
            OriginalLength = (int)Math.Min(header.OriginalLength, int.MaxValue),
            LinkType = LinkType,
            Number = _captured + 1,
        };
        if (_queue.Writer.TryWrite(lease))
        {
            Interlocked.Increment(ref _captured);
        }
        else
        {
            lease.Dispose();
            Interlocked.Increment(ref _droppedByUser);
        }
    }

    /// <summary>libpcap's counters have 32 bits and wrap; ours go on.</summary>
    private void UpdateCountersLocked()
    {
        if (_handle.IsClosed || !_handle.TryGetCounters(out PcapCounters now))
        {
            return;
        }

        _received += unchecked(now.Received - _lastCounters.Received);
        _droppedByKernel += unchecked(now.Dropped - _lastCounters.Dropped);
        _droppedByInterface += unchecked(now.InterfaceDropped - _lastCounters.InterfaceDropped);
        _lastCounters = now;
    }

    private static LinuxException ActivationFailure(int status, string name, string message)
    {
        string subject = $"interface {name}";
        return status switch
        {
            LibPcap.PCAP_ERROR_NO_SUCH_DEVICE => LinuxInterfaces.NoSuchInterface("capture", name),
            LibPcap.PCAP_ERROR_PERM_DENIED or LibPcap.PCAP_ERROR_PROMISC_PERM_DENIED =>
                new LinuxException(Errno.EPERM, "capture", subject, CapturePermission.Remedy),
            LibPcap.PCAP_ERROR_IFACE_NOT_UP =>
                new LinuxException(Errno.ENETDOWN, "capture", subject, $"Bring it up with: ip link set {name} up."),
            LibPcap.PCAP_ERROR => new LinuxException(Errno.EIO, "capture", subject, $"{message}."),
            _ => new LinuxException(Errno.EIO, "capture", subject, $"{LibPcapHandle.StatusText(status)}: {message}."),
        };
    }
}
