using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Cli.Output;
using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Cli.Input;

/// <summary>Feeds a tracker from a source: the packets that match and are not later than an instant.</summary>
internal sealed class TcpReading(TcpTracker tracker, TcpInstant? at, long limit, MemoryBudget budget)
{
    private long? _latest = at is { IsRelative: false } instant ? instant.Nanoseconds : null;
    private CaptureTimestamp? _first;
    private CaptureTimestamp? _last;
    private long _lookedAt;
    private long _living;

    internal TcpTracker Tracker { get; } = tracker;

    /// <summary>Held while the tracker and the counts change: another thread that looks at them takes it.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>Packets read.</summary>
    internal long Packets { get; private set; }

    /// <summary>Packets that matched.</summary>
    internal long Matched { get; private set; }

    /// <summary>The instant up to which packets are taken, ns since the epoch; null for all, or where no packet has said yet when the capture begins.</summary>
    internal long? Latest => _latest;

    /// <summary>Why the instant that was asked for is none of the capture's; null where it is one.</summary>
    internal string? InstantRemark
    {
        get
        {
            if (_latest is not { } latest || _first is not { } first || _last is not { } last)
            {
                return null;
            }

            return latest < first.Nanoseconds
                ? $"--at is {UtcTime.Seconds(first, new CaptureTimestamp(latest))} s before the first packet: nothing has happened yet."
                : latest > last.Nanoseconds
                    ? $"--at is {UtcTime.Seconds(new CaptureTimestamp(latest), last)} s after the last packet: this is the state at the end."
                    : null;
        }
    }

    /// <summary>The instant as of which the tracker is told: the one that was asked for, else that of the last packet.</summary>
    internal CaptureTimestamp End { get; private set; }

    /// <summary>What ended the reading before its time; what was read till then is in the tracker.</summary>
    internal Exception? Damage { get; private set; }

    /// <summary>True where the reading of a file was ended before its end.</summary>
    internal bool WasInterrupted { get; private set; }

    /// <summary>Reads to the end of the source. The tracker is not finished then.</summary>
    /// <param name="source">The packets.</param>
    /// <param name="filter">Which of them; null for all.</param>
    /// <param name="isWatched">Another thread looks on: <see cref="Gate"/> is held for each packet.</param>
    internal void ReadAll(IPacketSource source, LinkTypeFilter? filter, bool isWatched = false)
    {
        while (Packets < limit && TryRead(source, out CapturedPacket packet))
        {
            if (isWatched)
            {
                TakeWatched(in packet, filter);
            }
            else
            {
                Take(in packet, filter);
            }
        }

        WasInterrupted = source is CaptureFileReader { WasInterrupted: true };
    }

    private void TakeWatched(in CapturedPacket packet, LinkTypeFilter? filter)
    {
        lock (Gate)
        {
            Take(in packet, filter);
        }
    }

    // Only what the source throws is damage: a failure to write what was read ends the command.
    private bool TryRead(IPacketSource source, out CapturedPacket packet)
    {
        try
        {
            return source.TryRead(out packet);
        }
        catch (Exception exception) when (exception is CaptureFileException or LinuxException)
        {
            Damage = exception;
            packet = default;
            return false;
        }
    }

    /// <summary>Takes one packet that comes from elsewhere, or one of a source.</summary>
    internal void Take(in CapturedPacket packet, LinkTypeFilter? filter = null)
    {
        Packets++;
        CaptureTimestamp time = packet.Metadata.Timestamp;
        if (IsInTime(time) && (filter is null || filter.Matches(in packet)))
        {
            Matched++;
            PacketView view = packet.Parse();
            Tracker.Process(in view, time, packet.Metadata.Number);
            if (Tracker.ReleasedBytes - _lookedAt > budget.BytesBetweenLooks)
            {
                _lookedAt = Tracker.ReleasedBytes;
                _living = budget.CollectIfGrown(_living);
            }
        }
    }

    private bool IsInTime(CaptureTimestamp time)
    {
        if (at is not { } instant)
        {
            End = time;
            return true;
        }

        _first = _first is null || time < _first ? time : _first;
        _last = _last is null || time > _last ? time : _last;
        _latest ??= (time + instant.Nanoseconds).Nanoseconds;
        End = new CaptureTimestamp(_latest.Value);
        return time.Nanoseconds <= _latest;
    }
}
