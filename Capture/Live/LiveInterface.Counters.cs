using Interceptor.Interop;

namespace Interceptor.Capture.Live;

public sealed partial class LiveInterface
{
    private readonly Lock _countersLock = new();
    private PcapCounters _lastPcapCounters;
    private LinkCounters _lastCounters;
    private long _received;
    private long _droppedByKernel;
    private long _leftBehind;
    private bool _isLinkCounted = true;
    private bool _isLinkKnown = true;
    private bool _isClosed;

    /// <summary>The counts; they stand still when the capture has ended.</summary>
    public LiveCaptureStatistics Statistics
    {
        get
        {
            lock (_countersLock)
            {
                // What is taken is read first: it must never seem more than what the kernel has counted.
                long dropped = Volatile.Read(ref _droppedByUser);
                long captured = Volatile.Read(ref _taken) - dropped;
                UpdateLocked();
                long? seen = SeenLocked();
                return new LiveCaptureStatistics
                {
                    Captured = captured,
                    DroppedByUser = dropped,
                    Received = _received,
                    DroppedByKernel = _droppedByKernel,
                    DroppedByInterface = _before is null ? 0 : _lastCounters.Dropped - _before.Counters.Dropped,
                    LeftBehind = _leftBehind,
                    Seen = seen,
                    Filtered = Options.Filter.Length == 0 ? 0 : CountsWhatWeSee && seen >= _received ? seen - _received : null,
                };
            }
        }
    }

    /// <summary>A virtual link counts the very packets that a capture is shown; hardware and its offloads do not.</summary>
    private bool CountsWhatWeSee => _before is { Kind: "veth" or "dummy" } || IsLoopback;

    private bool IsLoopback => _before is { Kind: "", Name: "lo" };

    private long? SeenLocked()
    {
        // The counters of a link that was deleted went with it; what was last seen of them is older than what was captured.
        if (_before is null || !_isLinkKnown)
        {
            return null;
        }

        long received = _lastCounters.Received - _before.Counters.Received;
        return IsLoopback ? received : received + _lastCounters.Sent - _before.Counters.Sent; // On loopback what goes out comes in.
    }

    private long PacketsInRing()
    {
        lock (_countersLock)
        {
            UpdateLocked();
            return _received - _droppedByKernel - _taken;
        }
    }

    private LinkStatus? QueryLink()
    {
        lock (_countersLock)
        {
            return _watch?.Query();
        }
    }

    /// <summary>The filter takes no packet any more: what goes through from now on is none of ours.</summary>
    private void StopLinkCounters()
    {
        lock (_countersLock)
        {
            UpdateLocked();
            _isLinkCounted = false;
        }
    }

    /// <summary>The last look, before the descriptors are closed.</summary>
    private void CloseCounters()
    {
        lock (_countersLock)
        {
            UpdateLocked();
            _isClosed = true;
            _leftBehind = Math.Max(0, _received - _droppedByKernel - _taken);
        }
    }

    /// <summary>libpcap's counters have 32 bits and wrap; ours go on.</summary>
    private void UpdateLocked()
    {
        if (_isClosed)
        {
            return;
        }

        if (_handle.TryGetCounters(out PcapCounters now))
        {
            _received += unchecked(now.Received - _lastPcapCounters.Received);
            _droppedByKernel += unchecked(now.Dropped - _lastPcapCounters.Dropped);
            _lastPcapCounters = now;
        }

        if (_isLinkCounted && _watch is not null)
        {
            LinkStatus? link = _watch.Query();
            _isLinkKnown = link is not null;
            _lastCounters = link?.Counters ?? _lastCounters;
        }
    }
}
