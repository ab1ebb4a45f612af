using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Cli.Input;

/// <summary>Feeds a tracker from a source: the packets that match and are not later than an instant.</summary>
internal sealed class TcpReading(TcpTracker tracker, TcpInstant? at, long limit)
{
    private long? _latest = at is { IsRelative: false } instant ? instant.Nanoseconds : null;

    internal TcpTracker Tracker { get; } = tracker;

    /// <summary>Held while the tracker and the counts change: another thread that looks at them takes it.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>Packets read.</summary>
    internal long Packets { get; private set; }

    /// <summary>Packets that matched.</summary>
    internal long Matched { get; private set; }

    /// <summary>What ended the reading before its time; what was read till then is in the tracker.</summary>
    internal Exception? Damage { get; private set; }

    /// <summary>True where the reading of a file was ended before its end.</summary>
    internal bool WasInterrupted { get; private set; }

    internal void ReadAll(IPacketSource source, LinkTypeFilter? filter)
    {
        try
        {
            while (Packets < limit && source.TryRead(out CapturedPacket packet))
            {
                lock (Gate)
                {
                    Take(in packet, filter);
                }
            }
        }
        catch (Exception exception) when (exception is CaptureFileException or LinuxException)
        {
            Damage = exception;
        }

        WasInterrupted = source is CaptureFileReader { WasInterrupted: true };
        lock (Gate)
        {
            Tracker.Finish();
        }
    }

    private void Take(in CapturedPacket packet, LinkTypeFilter? filter)
    {
        Packets++;
        if (IsInTime(packet.Metadata.Timestamp) && (filter is null || filter.Matches(in packet)))
        {
            Matched++;
            PacketView view = packet.Parse();
            Tracker.Process(in view, packet.Metadata.Timestamp, packet.Metadata.Number);
        }
    }

    private bool IsInTime(CaptureTimestamp time)
    {
        if (at is not { } instant)
        {
            return true;
        }

        _latest ??= (time + instant.Nanoseconds).Nanoseconds;
        return time.Nanoseconds <= _latest;
    }
}
