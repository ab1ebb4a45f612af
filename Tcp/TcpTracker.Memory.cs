using Interceptor.Packets;

namespace Interceptor.Tcp;

public sealed partial class TcpTracker
{
    // Closed connections stay for what straggles in, as long as they take no more than this part of the limit.
    private const int ClosedPart = 16;

    // Lone SYNs never take more than these of a hundred parts: their blocks are not given back.
    private const int LoneSynPercent = 75;

    // What streams keep of their recent bytes, to compare copies with, never takes more than this part.
    private const int RecentPart = 8;

    private readonly ConnectionQueue _closed = new();
    private readonly ConnectionQueue _halfOpen = new();
    private readonly ConnectionQueue _waiting = new();
    private readonly ConnectionQueue _open = new();
    private readonly TcpArrays _arrays = new();
    private TcpTrackerStatistics _statistics;
    private long _connectionBytes;
    private long _closedBytes;

    // Something other than a connection took memory since it was last looked at: lone SYNs, the tables, fragments.
    private bool _hasGrown;

    /// <summary>What it holds and what it had to let go.</summary>
    public TcpTrackerStatistics Statistics => _statistics with
    {
        Tracked = _table.Count + _loneSyns.Count,
        TrackedBytes = TrackedBytes,
        PeakTrackedBytes = Math.Max(_statistics.PeakTrackedBytes, TrackedBytes),
    };

    /// <inheritdoc cref="TcpTrackerStatistics.ReleasedBytes"/>
    public long ReleasedBytes => _statistics.ReleasedBytes;

    private long TrackedBytes => _connectionBytes + _table.MemoryBytes + _loneSyns.MemoryBytes + _fragments.PendingBytes;

    private TcpConnection Begin(int id, int hash, in FlowKey flow)
    {
        var connection = new TcpConnection(id, in flow, _options, _consumer, _recentBytes, _arrays) { TableHash = hash };
        _table.Add(connection);
        _hasGrown = true;
        if (_sink is null)
        {
            _connections.Add(connection);
        }

        return connection;
    }

    private TcpConnection Begin(int loneSyn)
    {
        LoneSyn syn = _loneSyns[loneSyn];
        int hash = _loneSyns.HashOf(loneSyn);
        _loneSyns.Remove(loneSyn);
        var flow = new FlowKey(syn.Source, syn.Destination, IpProtocol.Tcp);
        TcpConnection connection = Begin(syn.Id, hash, in flow);
        connection.Process(in flow, syn.Segment, syn.At, syn.Number);
        return connection;
    }

    private bool CanNote(in TcpSegment segment) => _options.NotesLoneSyns && _sink is not null && _observer is null && LoneSyn.Holds(in segment);

    private void Note(int hash, in FlowKey flow, in TcpSegment segment, CaptureTimestamp at, long number)
    {
        while (_loneSyns.NeededBytes is > 0 and var needed
            && (_loneSyns.MemoryBytes + needed > _options.MaximumBytes / 100 * LoneSynPercent ? TryEvictLoneSyn()
                : TrackedBytes + needed > _options.MaximumBytes && TryEvict(loneSyns: true)))
        {
        }

        _loneSyns.Add(_statistics.Begun++, hash, in flow, in segment, at, number);
        _hasGrown = true;
    }

    // After each segment: the connection stands in the right line, and everything together stays below the limit.
    private void Settle(TcpConnection connection)
    {
        if (_sink is null)
        {
            return;
        }

        if (!connection.HasMemoryChanged && !_hasGrown && ReferenceEquals(QueueOf(connection), connection.Queue))
        {
            return;
        }

        _hasGrown = false;
        Charge(connection);
        while (_closedBytes > _options.MaximumBytes / ClosedPart && _closed.FindIdle() is { } closed)
        {
            Give(closed);
        }

        while (TrackedBytes > _options.MaximumBytes && TryEvict(loneSyns: false))
        {
        }

        _statistics.PeakTrackedBytes = Math.Max(_statistics.PeakTrackedBytes, TrackedBytes);
    }

    private void Charge(TcpConnection connection)
    {
        long bytes = connection.MemoryBytes;
        _connectionBytes += bytes - connection.ChargedBytes;
        ConnectionQueue queue = QueueOf(connection);
        if (ReferenceEquals(queue, connection.Queue))
        {
            _closedBytes += ReferenceEquals(queue, _closed) ? bytes - connection.ChargedBytes : 0;
        }
        else
        {
            _closedBytes += ReferenceEquals(queue, _closed) ? bytes : ReferenceEquals(connection.Queue, _closed) ? -connection.ChargedBytes : 0;
            connection.Queue?.Remove(connection);
            queue.Append(connection);
        }

        connection.Charge(bytes);
    }

    private ConnectionQueue QueueOf(TcpConnection connection) =>
        connection.IsOver ? _closed : connection.IsHalfOpen ? _halfOpen : connection.IsWaiting ? _waiting : _open;

    // The place of a lone SYN serves only another lone SYN: where bytes are wanted, they are left alone.
    private bool TryEvict(bool loneSyns)
    {
        if (_closed.FindIdle() is { } closed)
        {
            Give(closed);
            return true;
        }

        if (_waiting.FindIdle() is { } waiting)
        {
            waiting.StopWaiting();
            Charge(waiting);
            _statistics.GapsGivenUp++;
            return true;
        }

        int oldest = 0;
        bool hasLoneSyn = loneSyns && _loneSyns.TryGetOldest(out oldest);
        if (_halfOpen.FindIdle() is { } halfOpen && (!hasLoneSyn || halfOpen.Id < _loneSyns[oldest].Id))
        {
            _statistics.EvictedHalfOpen++;
            Evict(halfOpen);
            return true;
        }

        if (hasLoneSyn)
        {
            return TryEvictLoneSyn();
        }

        if (_open.FindIdle() is { } idle)
        {
            _statistics.EvictedIdle++;
            Evict(idle);
            return true;
        }

        return false;
    }

    private bool TryEvictLoneSyn()
    {
        if (!_loneSyns.TryGetOldest(out int index))
        {
            return false;
        }

        _statistics.EvictedHalfOpen++;
        GiveLoneSyn(in _loneSyns[index], isEvicted: true);
        _loneSyns.Remove(index);
        return true;
    }

    private void Evict(TcpConnection connection)
    {
        connection.IsEvicted = true;
        Give(connection);
    }

    private void Supersede(TcpConnection connection)
    {
        if (_sink is not null)
        {
            Give(connection);
            return;
        }

        connection.Finish();
        _table.Remove(connection);
    }

    private void Give(TcpConnection connection)
    {
        _table.Remove(connection);
        _connectionBytes -= connection.ChargedBytes;
        _statistics.ReleasedBytes += connection.ChargedBytes;
        _closedBytes -= ReferenceEquals(connection.Queue, _closed) ? connection.ChargedBytes : 0;
        connection.Queue?.Remove(connection);
        connection.Finish();
        TcpConnectionReport report = TcpConnectionReport.Of(connection);
        _sink!.Take(in report);
        connection.GiveBack();
    }

    // All that are left, in the order of their ids: the lone SYNs are in that order already.
    private void GiveAll(CaptureTimestamp end)
    {
        _statistics.PeakTrackedBytes = Statistics.PeakTrackedBytes;
        foreach (TcpConnection connection in CollectTracked())
        {
            GiveLoneSynsBefore(connection.Id);
            connection.PassTime(end);
            Give(connection);
        }

        GiveLoneSynsBefore(int.MaxValue);
    }

    private TcpConnection[] CollectTracked()
    {
        TcpConnection[] tracked = [.. _closed.All, .. _halfOpen.All, .. _waiting.All, .. _open.All];
        Array.Sort(tracked, static (one, other) => one.Id.CompareTo(other.Id));
        return tracked;
    }

    private void GiveLoneSynsBefore(int id)
    {
        while (_loneSyns.TryGetOldest(out int index) && _loneSyns[index].Id < id)
        {
            _loneSyns.PassOldest();
            GiveLoneSyn(in _loneSyns[index], isEvicted: false);
        }
    }

    private void GiveLoneSyn(in LoneSyn syn, bool isEvicted)
    {
        TcpConnectionReport report = TcpConnectionReport.Of(in syn, _options.HashStreams, isEvicted);
        _sink!.Take(in report);
    }
}
