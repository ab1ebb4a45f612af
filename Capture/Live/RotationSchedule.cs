using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// Decides when a file is over, by what is in it and by the time, which is an argument. Pure.
/// <para>A clock that is set back by more than <see cref="LargestLag"/> begins the open file's time anew; one that is set forward ends the file.</para>
/// </summary>
internal sealed class RotationSchedule(CaptureRotation rotation, TimeZoneInfo zone)
{
    /// <summary>What is later than that is not late but of another clock.</summary>
    internal const long LargestLag = 10 * CaptureTimestamp.NanosecondsPerSecond;

    private CaptureTimestamp? _begun;
    private CaptureTimestamp? _ended;
    private CaptureTimestamp _durationEnd = new(long.MaxValue);
    private CaptureTimestamp _clockEnd = new(long.MaxValue);

    /// <summary>When the open file's time is over; far in the future where time does not end it.</summary>
    internal CaptureTimestamp Due => _durationEnd < _clockEnd ? _durationEnd : _clockEnd;

    /// <summary>A file begins: with its first packet, or at the end of the time before where that packet is late.</summary>
    /// <returns>The instant it is named after: the clock's boundary for the first file since one, else <paramref name="at"/>.</returns>
    internal CaptureTimestamp Begin(CaptureTimestamp at)
    {
        if (_ended is { } ended && at < ended && ended - at <= LargestLag)
        {
            at = ended;
        }

        _ended = null;
        CaptureTimestamp name = at;
        if (rotation.Every is { } every && _begun is { } before && ClockBoundary.Last(at, every, zone) is var boundary && boundary > before)
        {
            name = boundary;
        }

        Restart(at);
        return name;
    }

    /// <summary>Why the open file's time is over at an instant; null if it is not.</summary>
    internal RotationReason? Judge(CaptureTimestamp at)
    {
        if (_begun is { } begun && at - begun < -LargestLag)
        {
            Restart(at);
        }

        if (at < Due)
        {
            return null;
        }

        _ended = Due;
        return _clockEnd <= at ? RotationReason.Clock : RotationReason.Duration;
    }

    /// <summary>Why the open file has enough; null if it has not. A file without a packet never has.</summary>
    internal RotationReason? Judge(long bytes, long packets) =>
        packets == 0 ? null
        : bytes >= rotation.LargestFile ? RotationReason.Size
        : packets >= rotation.FilePackets ? RotationReason.Packets
        : null;

    private void Restart(CaptureTimestamp at)
    {
        _begun = at;
        if (rotation.FileTime is { } time)
        {
            _durationEnd = new((long)Int128.Min(at.Nanoseconds + ((Int128)time.Ticks * TimeSpan.NanosecondsPerTick), long.MaxValue));
        }

        if (rotation.Every is { } every)
        {
            _clockEnd = ClockBoundary.Next(at, every, zone);
        }
    }
}
