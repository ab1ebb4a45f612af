using Interceptor.Capture;
using Interceptor.Packets;
using Interceptor.Replay;

namespace Interceptor.Tests.Replay;

public sealed class ScheduleTests
{
    private const long Second = 1_000_000_000;

    [Fact]
    public void The_original_pace_keeps_every_nanosecond() =>
        Assert.Equal([0, 1, 3, Second], Deadlines(ReplayPace.Original, null, 5, 6, 8, Second + 5));

    [Fact]
    public void A_factor_divides_the_time_since_the_start_and_not_each_gap() =>
        Assert.Equal([0, 0, 0, 1, 33], Deadlines(ReplayPace.AtSpeed(3), null, 0, 1, 2, 3, 100));

    [Fact]
    public void Slow_motion_multiplies() => Assert.Equal([0, 4 * Second], Deadlines(ReplayPace.AtSpeed(0.25m), null, 0, Second));

    [Fact]
    public void A_packet_from_the_past_is_due_with_the_one_before() =>
        Assert.Equal([0, 10, 10, 10, 20], Deadlines(ReplayPace.Original, null, 100, 110, 90, 95, 120));

    [Fact]
    public void Disorder_does_not_add_up()
    {
        long[] times = [.. Enumerable.Range(0, 10_000).Select(static i => (i * 1000L) - (i % 2 * 1500))];
        Assert.Equal(9_998_000, Deadlines(ReplayPace.Original, null, times)[^1]);
    }

    [Fact]
    public void Where_the_clock_was_set_back_time_goes_on_from_there() =>
        Assert.Equal([0, 10, 10, 15], Deadlines(ReplayPace.Original, null, 5 * Second, (5 * Second) + 10, Second, Second + 5));

    [Fact]
    public void The_longest_gap_limits_the_wait_and_not_the_capture()
    {
        TimeSpan second = TimeSpan.FromSeconds(1);
        Assert.Equal([0, Second, Second + 5], Deadlines(ReplayPace.Original, second, 0, 3600 * Second, (3600 * Second) + 5));
        Assert.Equal([0, Second], Deadlines(ReplayPace.AtSpeed(10), second, 0, 3600 * Second));
        Assert.Equal([0, Second / 2], Deadlines(ReplayPace.AtSpeed(10), second, 0, 5 * Second));
    }

    [Fact]
    public void A_capture_over_all_of_time_saturates()
    {
        long[] deadlines = Deadlines(ReplayPace.AtSpeed(0.000001m), null, long.MinValue, long.MaxValue);
        Assert.Equal([0, long.MaxValue], deadlines);
    }

    [Fact]
    public void The_wait_between_two_rounds_moves_all_that_follows_and_is_not_divided()
    {
        var schedule = new ReplaySchedule(ReplayPace.AtSpeed(2));
        Assert.Equal(0, schedule.Next(At(0), 60));
        Assert.Equal(Second, schedule.Next(At(2 * Second), 60));
        schedule.Restart(TimeSpan.FromSeconds(5));
        Assert.Equal(6 * Second, schedule.Next(At(0), 60));
        Assert.Equal(7 * Second, schedule.Next(At(2 * Second), 60));
        schedule.Restart(TimeSpan.FromSeconds(5));
        Assert.Equal(12 * Second, schedule.Next(At(0), 60));
    }

    [Fact]
    public void At_a_rate_the_rounds_are_one_row_but_for_the_wait()
    {
        var schedule = new ReplaySchedule(ReplayPace.At(new PacketRate(10)));
        Assert.Equal(0, schedule.Next(At(0), 60));
        schedule.Restart(TimeSpan.FromSeconds(1));
        Assert.Equal(Second + (Second / 10), schedule.Next(At(0), 60));
    }

    [Fact]
    public void At_top_speed_the_wait_begins_when_the_round_is_over()
    {
        var schedule = new ReplaySchedule(ReplayPace.TopSpeed);
        Assert.Equal(0, schedule.Next(At(0), 60));
        schedule.RestartAfter(7 * Second, TimeSpan.FromSeconds(1));
        Assert.Equal(8 * Second, schedule.Next(At(0), 60));
    }

    private static PacketMetadata At(long nanoseconds) => new() { HasTimestamp = true, Timestamp = new CaptureTimestamp(nanoseconds) };

    [Fact]
    public void Packet_rates_do_not_drift()
    {
        var schedule = new ReplaySchedule(ReplayPace.At(new PacketRate(3)));
        long last = 0;
        for (int i = 0; i <= 3_000_000; i++)
        {
            last = schedule.Next(default, 60);
        }

        Assert.Equal(1_000_000 * Second, last);
    }

    [Fact]
    public void A_data_rate_is_exact_after_terabytes()
    {
        var rate = new DataRate(10_000_000_000);
        Assert.Equal(800 * Second, rate.TimeFor(1_000_000_000_000));
        Assert.Equal(long.MaxValue, new DataRate(1).TimeFor(long.MaxValue));
        var schedule = new ReplaySchedule(ReplayPace.At(new DataRate(8000)));
        Assert.Equal([0, Second, 3 * Second], new[] { schedule.Next(default, 1000), schedule.Next(default, 2000), schedule.Next(default, 1) });
    }

    [Fact]
    public void Rates_are_printed_in_a_fitting_unit()
    {
        Assert.Equal("1.5 Gbit/s", new DataRate(1_500_000_000).ToString());
        Assert.Equal("9600 bit/s", new DataRate(9600).ToString());
        Assert.Equal(new DataRate(80), DataRate.Of(10, Second));
    }

    [Fact]
    public void Percentiles_are_within_two_percent_and_the_maximum_is_exact()
    {
        var errors = new TimingErrors();
        for (long value = 1; value <= 100_000; value++)
        {
            errors.Add(value * 37);
        }

        Assert.InRange(errors.Percentile(0.5), 50_000 * 37, 51_000 * 37);
        Assert.InRange(errors.Percentile(0.99), 99_000 * 37, 101_000 * 37);
        Assert.Equal(3_700_000, errors.Maximum);
        Assert.Equal(3_700_000, errors.Percentile(1));
        errors.Add(long.MinValue);
        Assert.Equal(long.MaxValue, errors.Maximum);
        Assert.Equal(0, new TimingErrors().Percentile(0.5));
    }

    private static long[] Deadlines(ReplayPace pace, TimeSpan? maxGap, params long[] times)
    {
        var schedule = new ReplaySchedule(pace, maxGap);
        return [.. times.Select(time => schedule.Next(new PacketMetadata { Timestamp = new CaptureTimestamp(time), HasTimestamp = true }, 60))];
    }
}
