using Interceptor.Packets;

namespace Interceptor.Capture.Files;

/// <summary>
/// How the 64-bit counter of a pcapng interface becomes nanoseconds: if_tsresol (10^-n or 2^-n seconds) and if_tsoffset (seconds).
/// Exact in 128 bits; finer than a nanosecond is rounded down; what does not fit saturates.
/// The counter is taken as signed: programs record instants before 1970 as its two's complement.
/// </summary>
internal readonly struct TimestampScale
{
    private readonly Int128 _unitsPerSecond;
    private readonly long _offset;
    private readonly long _nanosecondsPerUnit;

    /// <param name="resolution">The octet of if_tsresol; 6 (microseconds) where absent.</param>
    /// <param name="offsetSeconds">if_tsoffset; 0 where absent.</param>
    internal TimestampScale(byte resolution, long offsetSeconds)
    {
        _offset = offsetSeconds;
        if ((resolution & 0x80) != 0)
        {
            // Units of 2^-127 s are finer than any counter of 64 bits can tell from zero: 2^126 keeps Int128 positive.
            _unitsPerSecond = Int128.One << Math.Min(resolution & 0x7F, 126);
            return;
        }

        _unitsPerSecond = Int128.One;
        for (int i = 0; i < Math.Min((int)resolution, 38); i++)
        {
            _unitsPerSecond *= 10;
        }

        if (resolution <= 9)
        {
            _nanosecondsPerUnit = (long)(CaptureTimestamp.NanosecondsPerSecond / _unitsPerSecond);
        }
    }

    /// <summary>Units in a second, as far as they fit.</summary>
    internal ulong UnitsPerSecond => _unitsPerSecond > ulong.MaxValue ? ulong.MaxValue : (ulong)_unitsPerSecond;

    /// <summary>The instant that the counter stands for.</summary>
    internal CaptureTimestamp ToTimestamp(ulong counter)
    {
        long units = unchecked((long)counter);
        if (_nanosecondsPerUnit != 0 && _offset == 0)
        {
            long product = unchecked(units * _nanosecondsPerUnit);
            return Math.BigMul(units, _nanosecondsPerUnit, out _) == product >> 63
                ? new CaptureTimestamp(product)
                : new CaptureTimestamp(units < 0 ? long.MinValue : long.MaxValue);
        }

        return FromParts(units);
    }

    private CaptureTimestamp FromParts(long units)
    {
        // Seconds and the rest apart, so that 2^63 units times 10^9 stays within 128 bits for every resolution.
        Int128 seconds = units / _unitsPerSecond;
        Int128 rest = units - (seconds * _unitsPerSecond);
        if (rest < 0)
        {
            rest += _unitsPerSecond;
            seconds--;
        }

        Int128 nanoseconds = _unitsPerSecond >= Int128.One << 96
            ? (rest >> 40) * CaptureTimestamp.NanosecondsPerSecond / (_unitsPerSecond >> 40)
            : rest * CaptureTimestamp.NanosecondsPerSecond / _unitsPerSecond;
        Int128 total = ((seconds + _offset) * CaptureTimestamp.NanosecondsPerSecond) + nanoseconds;
        return new CaptureTimestamp((long)Int128.Clamp(total, long.MinValue, long.MaxValue));
    }
}
