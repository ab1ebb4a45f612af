using System.Diagnostics;
using System.Globalization;
using Interceptor.Replay;

namespace Interceptor.Cli.Replaying;

/// <summary>How far a replay is: for the progress line and for statistics on demand. Any thread.</summary>
/// <param name="report">What was done so far.</param>
/// <param name="options">What is to be done.</param>
/// <param name="clock">Says whether it is paused; null for one that can't be.</param>
internal sealed class ReplayProgress(ReplayReport report, ReplayOptions options, PausableReplayClock? clock)
{
    private readonly long _start = Stopwatch.GetTimestamp();

    /// <summary>True while nothing is sent because somebody said so.</summary>
    internal bool IsPaused => clock is { IsHeld: true };

    /// <summary>What part is done, 0 to 1; null where nobody knows.</summary>
    internal double? Fraction()
    {
        double? byLimit = options.Limit is { } limit ? (double)report.Packets / limit : null;
        double? byTime = options.Duration is { TotalNanoseconds: > 0 and var duration } ? Running.TotalNanoseconds / duration : null;
        double? most = report.Fraction;
        foreach (double? other in (ReadOnlySpan<double?>)[byLimit, byTime])
        {
            most = most is null || other > most ? other ?? most : most;
        }

        return most is { } part ? Math.Clamp(part, 0, 1) : null;
    }

    /// <summary>The counters in one line.</summary>
    internal string Line()
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        string line = string.Create(culture, $"{report.Packets} packets ({report.Bytes} bytes) sent, {report.Skipped} skipped");
        if (IsPaused)
        {
            return line + ", paused";
        }

        return Fraction() is > 0.001 and var part and < 1
            ? line + string.Create(culture, $", {Left(part).TotalSeconds:F0} s left")
            : line;
    }

    private TimeSpan Running => Stopwatch.GetElapsedTime(_start) - TimeSpan.FromMicroseconds((clock?.PausedNanoseconds ?? 0) / 1000);

    private TimeSpan Left(double part) => Running * ((1 - part) / part);
}
