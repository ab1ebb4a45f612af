using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>
/// When each packet of a replay is due, as nanoseconds from the start. Every deadline is computed from the start in 128 bits, never from
/// the deadline before: nothing drifts and nothing overflows. Pure: no clock.
/// </summary>
public sealed class ReplaySchedule
{
    /// <summary>
    /// Nanoseconds by which a packet may be earlier than one before it and belong to the same course of time: captures of several queues are so out of order. More is a clock that was set back,
    /// or another capture, whose times count from there on.
    /// </summary>
    private const long LongestDisorder = 1_000_000_000;

    private readonly ReplayPace _pace;
    private readonly Int128 _longestGap;
    private Int128 _captureTime;
    private CaptureTimestamp? _previous;
    private long _packets;
    private Int128 _bytes;
    private Int128 _delays;

    /// <summary>At the start.</summary>
    /// <param name="pace">How fast.</param>
    /// <param name="maxGap">The longest wait between two packets at the original pace; null for any.</param>
    public ReplaySchedule(ReplayPace pace, TimeSpan? maxGap = null)
    {
        ArgumentNullException.ThrowIfNull(pace);
        _pace = pace;

        // The wait is limited, not the capture's gap: in the capture's time it is longer by the factor.
        _longestGap = maxGap is { } gap && pace.Kind == ReplayPaceKind.Original
            ? (Int128)gap.Ticks * 100 * pace.SpeedMillionths / ReplayPace.SpeedUnit
            : Int128.MaxValue;
    }

    /// <summary>
    /// The deadline of the next packet. At the original pace a packet earlier than the one before it, or without a timestamp, is due with it.
    /// </summary>
    /// <param name="metadata">The packet's metadata.</param>
    /// <param name="length">Bytes that will be sent.</param>
    /// <returns>Nanoseconds from the start, never decreasing; saturates.</returns>
    public long Next(in PacketMetadata metadata, int length)
    {
        Int128 due = _delays + _pace.Kind switch
        {
            ReplayPaceKind.Original => NextOriginal(metadata),
            ReplayPaceKind.PacketRate => _pace.PacketRate.TimeFor(_packets),
            ReplayPaceKind.DataRate => _pace.DataRate.TimeFor((long)Int128.Min(_bytes, long.MaxValue)),
            _ => 0,
        };
        _packets++;
        _bytes += length;
        return (long)Int128.Min(due, long.MaxValue);
    }

    /// <summary>The capture begins again: its first packet is due with the last one before (at a rate: when it would be without loops), and this much later.</summary>
    /// <param name="delay">The wait; not negative.</param>
    public void Restart(TimeSpan delay = default)
    {
        _previous = null;
        _delays += (Int128)delay.Ticks * 100;
    }

    /// <summary>At top speed and step by step nothing is due before this; the wait of a loop begins when the round before is over.</summary>
    /// <param name="elapsed">Nanoseconds from the start.</param>
    /// <param name="delay">The wait.</param>
    public void RestartAfter(long elapsed, TimeSpan delay)
    {
        _previous = null;
        _delays = elapsed + ((Int128)delay.Ticks * 100);
    }

    private long NextOriginal(in PacketMetadata metadata)
    {
        if (metadata.HasTimestamp)
        {
            if (_previous is { } previous)
            {
                Int128 gap = (Int128)metadata.Timestamp.Nanoseconds - previous.Nanoseconds;
                if (gap < 0 && gap >= -LongestDisorder)
                {
                    return ToDeadline();
                }

                _captureTime += Int128.Clamp(gap, 0, _longestGap);
            }

            _previous = metadata.Timestamp;
        }

        return ToDeadline();
    }

    private long ToDeadline() => (long)Int128.Min(_captureTime * ReplayPace.SpeedUnit / _pace.SpeedMillionths, long.MaxValue);
}
