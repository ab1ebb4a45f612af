using Interceptor.Packets;

namespace Interceptor.Tcp.Rebuild;

/// <summary>The timestamp clock of one end (RFC 7323), as its segments show it. Plain data.</summary>
internal struct TimestampPace
{
    // Shorter than this, the pace is noise.
    private const long LeastSpan = 20_000_000;

    // A clock of microseconds comes round in 71 minutes.
    private const long LongestSpan = 60 * CaptureTimestamp.NanosecondsPerSecond;

    // Between a clock of milliseconds and one of microseconds: nothing else is in use.
    private const double BetweenPaces = 30;

    private bool _hasBegun;
    private uint _firstValue;
    private CaptureTimestamp _firstAt;
    private uint _lastValue;
    private CaptureTimestamp _lastAt;

    /// <summary>It counts microseconds (Linux' tcp_usec_ts), not milliseconds.</summary>
    internal readonly bool IsMicroseconds =>
        _lastAt - _firstAt >= LeastSpan && unchecked(_lastValue - _firstValue) / ((_lastAt - _firstAt) / 1e6) > BetweenPaces;

    internal void Note(uint value, CaptureTimestamp at)
    {
        if (!_hasBegun)
        {
            _hasBegun = true;
            (_firstValue, _firstAt) = (value, at);
        }
        else if (at - _firstAt > LongestSpan)
        {
            (_firstValue, _firstAt) = (_lastValue, _lastAt);
        }

        (_lastValue, _lastAt) = (value, at);
    }

    /// <summary>What the clock shows at an instant after its last segment.</summary>
    internal readonly uint ValueAt(CaptureTimestamp at) =>
        unchecked(_lastValue + (uint)(Math.Max(at - _lastAt, 0) / (IsMicroseconds ? 1_000 : 1_000_000)));
}
