using Interceptor.Capture.Live;
using Interceptor.Packets;

namespace Interceptor.Tests.Live;

public sealed class RotationScheduleTests
{
    private static readonly CaptureTimestamp Begin = ClockBoundaryTests.At("2026-06-01T12:47:10Z");

    private static CaptureTimestamp After(double seconds) => Begin + (long)(seconds * CaptureTimestamp.NanosecondsPerSecond);

    [Fact]
    public void Whichever_of_duration_and_clock_comes_first_ends_the_file()
    {
        RotationSchedule schedule = Of(new CaptureRotation { FileTime = TimeSpan.FromSeconds(40), Every = TimeSpan.FromMinutes(1) });
        Assert.Equal(Begin, schedule.Begin(Begin));
        Assert.Null(schedule.Judge(After(39.999)));
        Assert.Equal(RotationReason.Duration, schedule.Judge(After(40)));
        schedule.Begin(After(41));
        Assert.Null(schedule.Judge(After(49.999)));
        Assert.Equal(RotationReason.Clock, schedule.Judge(After(50)));
    }

    [Fact]
    public void The_first_file_since_a_boundary_is_named_after_it_and_others_after_their_begin()
    {
        RotationSchedule schedule = Of(new CaptureRotation { Every = TimeSpan.FromMinutes(1) });
        Assert.Equal(Begin, schedule.Begin(Begin));
        Assert.Equal(After(50), schedule.Begin(After(52)));
        Assert.Equal(After(55), schedule.Begin(After(55)));
        Assert.Equal(After(3650), schedule.Begin(After(3700)));
    }

    [Fact]
    public void A_late_packet_of_a_time_that_is_over_begins_the_next_file_at_its_begin()
    {
        RotationSchedule schedule = Of(new CaptureRotation { Every = TimeSpan.FromMinutes(1) });
        schedule.Begin(Begin);
        Assert.Equal(RotationReason.Clock, schedule.Judge(After(50.2)));
        Assert.Equal(After(50), schedule.Begin(After(49)));
        Assert.Equal(After(110), schedule.Due);
        Assert.Null(schedule.Judge(After(49.5)));
        Assert.Equal(After(51), schedule.Begin(After(51)));
    }

    [Fact]
    public void Size_and_packets_end_a_file_that_holds_something()
    {
        RotationSchedule schedule = Of(new CaptureRotation { FileBytes = 1000, FilePackets = 10 });
        Assert.Null(schedule.Judge(5000, 0));
        Assert.Null(schedule.Judge(999, 9));
        Assert.Equal(RotationReason.Size, schedule.Judge(1000, 1));
        Assert.Equal(RotationReason.Packets, schedule.Judge(10, 10));
        Assert.Equal(new CaptureTimestamp(long.MaxValue), schedule.Due);
    }

    [Fact]
    public void A_budget_without_a_size_makes_files_of_a_tenth()
    {
        RotationSchedule schedule = Of(new CaptureRotation { KeepBytes = 10_000 });
        Assert.Null(schedule.Judge(999, 1));
        Assert.Equal(RotationReason.Size, schedule.Judge(1000, 1));
        Assert.Null(Of(new CaptureRotation { KeepBytes = 10_000, FileBytes = 5000 }).Judge(1000, 1));
    }

    [Fact]
    public void A_clock_that_is_set_back_begins_the_time_anew_and_a_packet_slightly_out_of_order_does_not()
    {
        RotationSchedule schedule = Of(new CaptureRotation { FileTime = TimeSpan.FromSeconds(40) });
        schedule.Begin(Begin);
        Assert.Null(schedule.Judge(After(-9.9)));
        Assert.Equal(After(40), schedule.Due);
        Assert.Null(schedule.Judge(After(-3600)));
        Assert.Equal(After(-3560), schedule.Due);
        Assert.Equal(RotationReason.Duration, schedule.Judge(After(-3560)));
    }

    [Fact]
    public void A_duration_of_ages_never_ends_a_file()
    {
        RotationSchedule schedule = Of(new CaptureRotation { FileTime = TimeSpan.MaxValue });
        schedule.Begin(Begin);
        Assert.Equal(new CaptureTimestamp(long.MaxValue), schedule.Due);
    }

    private static RotationSchedule Of(CaptureRotation rotation)
    {
        rotation.Validate();
        return new RotationSchedule(rotation, TimeZoneInfo.Utc);
    }
}
