using FsCheck.Fluent;
using Interceptor.Capture.Intercept;
using Interceptor.Testing;

namespace Interceptor.Tests.Intercept;

public sealed class TimerWheelTests
{
    private const long Second = 1_000_000_000;

    /// <summary>From a nanosecond to days, so that every level of the wheel is used, added and taken in any mixture.</summary>
    [Fact]
    public void Whatever_comes_and_goes_the_order_is_that_of_time_and_then_of_arrival() => PropertyCheck.ForAll(
        Gen.ListOf(Gen.Choose(0, int.MaxValue)).ToArbitrary(),
        numbers =>
        {
            var wheel = new TimerWheel<int>();
            var expected = new PriorityQueue<int, (long, int)>();
            long now = 12_345_678_901_234;
            int added = 0;
            foreach (int number in numbers)
            {
                long distance = 1L << (number % 50);
                if (number % 3 != 0)
                {
                    long due = now + (number % distance);
                    wheel.Add(added, due);
                    expected.Enqueue(added++, (due, added));
                    continue;
                }

                now += number % distance;
                TakeAll(wheel, expected, now);
            }

            TakeAll(wheel, expected, long.MaxValue);
            Assert.Equal((0, long.MaxValue), (wheel.Count, wheel.NextDue));
        });

    [Fact]
    public void It_says_when_to_ask_next_not_too_late_and_a_slot_early_at_most()
    {
        var wheel = new TimerWheel<string>();
        long now = 5 * Second;
        foreach (long distance in new[] { 1, 100_000, 1_000_000, 50 * 1_000_000, Second, 3600 * Second })
        {
            wheel.Add("item", now + distance);
            int wakes = 0;
            long at = now;
            while (!wheel.TryTake(at, out _))
            {
                Assert.InRange(wheel.NextDue, at, now + distance);
                at = wheel.NextDue;
                wakes++;
            }

            Assert.Equal(now + distance, at);
            Assert.InRange(wakes, 0, 8);
            now = at;
        }
    }

    [Fact]
    public void A_million_that_wait_cost_memory_once_and_nothing_for_each()
    {
        const int Count = 1_000_000;
        var wheel = new TimerWheel<int>();
        Fill(wheel, Count, start: Second);
        TakeAll(wheel, Count, 400 * Second);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Fill(wheel, Count, start: 1000 * Second);
        TakeAll(wheel, Count, 2000 * Second);

        // What is sorted last may need room for a few more than the first time.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16_384);
    }

    [Fact]
    public void What_is_long_due_goes_at_once_and_a_negative_time_is_refused()
    {
        var wheel = new TimerWheel<int>();
        wheel.Add(1, Second);
        Assert.True(wheel.TryTake(100 * Second, out _));
        wheel.Add(2, 5);
        Assert.Equal(5, wheel.NextDue);
        Assert.True(wheel.TryTake(100 * Second, out int item));
        Assert.Equal(2, item);
        Assert.Throws<ArgumentOutOfRangeException>(() => wheel.Add(3, -1));
    }

    private static void Fill(TimerWheel<int> wheel, int count, long start)
    {
        for (int i = 0; i < count; i++)
        {
            // In no order, over 100 s.
            wheel.Add(i, start + (long)((uint)i * 2654435761u) * 23);
        }

        Assert.Equal(count, wheel.Count);
    }

    private static void TakeAll(TimerWheel<int> wheel, int count, long end)
    {
        int taken = 0;
        for (long now = 0; now <= end; now += 10_000_000)
        {
            while (wheel.TryTake(now, out _))
            {
                taken++;
            }
        }

        Assert.Equal(count, taken);
    }

    private static void TakeAll(TimerWheel<int> wheel, PriorityQueue<int, (long Due, int)> expected, long now)
    {
        while (expected.TryPeek(out int item, out (long Due, int) key) && key.Due <= now)
        {
            expected.Dequeue();
            Assert.InRange(wheel.NextDue, 0, key.Due);
            Assert.True(wheel.TryTake(now, out int taken));
            Assert.Equal(item, taken);
        }

        Assert.False(wheel.TryTake(now, out _));
        Assert.Equal(expected.Count, wheel.Count);
    }
}
