using System.Globalization;
using Interceptor.Capture.Live;
using Interceptor.Packets;

namespace Interceptor.Tests.Live;

public sealed class ClockBoundaryTests
{
    /// <summary>Central Europe in 2026: an hour forward on 29 March at 01:00 UTC, back on 25 October at 01:00 UTC.</summary>
    internal static readonly TimeZoneInfo Berlin = ZoneOf("Berlin", TimeSpan.FromHours(1), TimeSpan.FromHours(1));

    /// <summary>Half an hour forward and back.</summary>
    private static readonly TimeZoneInfo LordHowe = ZoneOf("Lord Howe", new TimeSpan(10, 30, 0), TimeSpan.FromMinutes(30));

    [Theory]
    [InlineData("An hour", "01:00:00", "2026-06-01T12:47:10+02:00", "2026-06-01T13:00:00+02:00")]
    [InlineData("On the boundary itself", "01:00:00", "2026-06-01T13:00:00+02:00", "2026-06-01T14:00:00+02:00")]
    [InlineData("A second", "00:00:01", "2026-06-01T12:47:10.5+02:00", "2026-06-01T12:47:11+02:00")]
    [InlineData("Over midnight", "06:00:00", "2026-06-01T19:00:00+02:00", "2026-06-02T00:00:00+02:00")]
    [InlineData("A day begins at local midnight", "1.00:00:00", "2026-06-01T23:30:00+02:00", "2026-06-02T00:00:00+02:00")]
    [InlineData("The day with 23 hours", "1.00:00:00", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00")]
    [InlineData("The day with 25 hours", "1.00:00:00", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00")]
    [InlineData("Six hours, spring", "06:00:00", "2026-03-29T00:00:00+01:00", "2026-03-29T06:00:00+02:00")]
    [InlineData("Six hours, autumn", "06:00:00", "2026-10-25T00:00:00+02:00", "2026-10-25T06:00:00+01:00")]
    [InlineData("Two hours into the hour that is leapt over", "02:00:00", "2026-03-29T00:00:00+01:00", "2026-03-29T03:00:00+02:00")]
    [InlineData("An hour, spring", "01:00:00", "2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00")]
    [InlineData("An hour, autumn, first", "01:00:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00")]
    [InlineData("An hour, autumn, second", "01:00:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:00:00+01:00")]
    [InlineData("Before the epoch", "01:00:00", "1969-12-31T22:30:00+01:00", "1969-12-31T23:00:00+01:00")]
    public void The_next_boundary_is_where_the_clock_on_the_wall_has_it(string what, string every, string after, string expected)
    {
        CaptureTimestamp next = ClockBoundary.Next(At(after), TimeSpan.Parse(every, CultureInfo.InvariantCulture), Berlin);
        Assert.True(At(expected) == next, $"{what}: {next}, expected {At(expected)}");
    }

    [Theory]
    [InlineData("01:00:00", "2026-06-01T12:47:10+02:00", "2026-06-01T12:00:00+02:00")]
    [InlineData("01:00:00", "2026-06-01T12:00:00+02:00", "2026-06-01T12:00:00+02:00")]
    [InlineData("01:00:00", "2026-10-25T02:30:00+01:00", "2026-10-25T02:00:00+01:00")]
    [InlineData("1.00:00:00", "2026-10-25T20:00:00+01:00", "2026-10-25T00:00:00+02:00")]
    [InlineData("06:00:00", "2026-03-29T04:00:00+02:00", "2026-03-29T00:00:00+01:00")]
    public void The_last_boundary_is_the_one_that_a_file_is_named_after(string every, string at, string expected) =>
        Assert.Equal(At(expected), ClockBoundary.Last(At(at), TimeSpan.Parse(every, CultureInfo.InvariantCulture), Berlin));

    [Theory]
    [InlineData(1)]
    [InlineData(60)]
    [InlineData(900)]
    [InlineData(3600)]
    [InlineData(7200)]
    [InlineData(21_600)]
    [InlineData(86_400)]
    public void Through_a_whole_year_boundaries_go_forward_and_shorter_ones_are_never_further_apart_than_asked(int seconds)
    {
        var every = TimeSpan.FromSeconds(seconds);
        long most = (seconds <= 3600 ? seconds : seconds + 3600) * CaptureTimestamp.NanosecondsPerSecond;
        foreach (TimeZoneInfo zone in (TimeZoneInfo[])[TimeZoneInfo.Utc, Berlin, LordHowe])
        {
            long step = Math.Max(seconds, 900) * CaptureTimestamp.NanosecondsPerSecond / 3;
            for (CaptureTimestamp at = At("2026-01-01T00:00:07Z"); at < At("2027-01-01T00:00:00Z"); at += step)
            {
                CaptureTimestamp next = ClockBoundary.Next(at, every, zone);
                Assert.True(next - at > 0 && next - at <= most, $"{zone.Id}: {next} comes after {at}");
                CaptureTimestamp last = ClockBoundary.Last(at, every, zone);
                Assert.True(last <= at && at - last <= most, $"{zone.Id}: {last} comes before {at}");
            }
        }
    }

    [Theory]
    [InlineData("00:00:01", true)]
    [InlineData("00:00:07", false)]
    [InlineData("00:00:00.5", false)]
    [InlineData("00:15:00", true)]
    [InlineData("05:00:00", false)]
    [InlineData("1.00:00:00", true)]
    [InlineData("2.00:00:00", false)]
    public void Only_what_divides_a_day_has_boundaries(string every, bool expected) =>
        Assert.Equal(expected, ClockBoundary.IsDivisor(TimeSpan.Parse(every, CultureInfo.InvariantCulture)));

    internal static CaptureTimestamp At(string instant) => new((DateTimeOffset.Parse(instant, CultureInfo.InvariantCulture) - DateTimeOffset.UnixEpoch).Ticks * 100);

    private static TimeZoneInfo ZoneOf(string name, TimeSpan offset, TimeSpan summer)
    {
        // Rules are written in the time that holds before each change.
        var forward = TimeZoneInfo.TransitionTime.CreateFixedDateRule(new DateTime(1, 1, 1, 2, 0, 0), 3, 29);
        var back = TimeZoneInfo.TransitionTime.CreateFixedDateRule(new DateTime(1, 1, 1, 3, 0, 0), 10, 25);
        var rule = TimeZoneInfo.AdjustmentRule.CreateAdjustmentRule(new DateTime(2026, 1, 1), new DateTime(2026, 12, 31), summer, forward, back);
        return TimeZoneInfo.CreateCustomTimeZone(name, offset, name, name, name, [rule]);
    }
}
