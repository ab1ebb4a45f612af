using Interceptor.Tcp;
using Interceptor.Testing;

namespace Interceptor.Tests.Tcp;

public sealed class RoundTripTimesTests
{
    /// <summary>Random, equal, rising, falling and organ-pipe samples: what a choice of pivots may fall over.</summary>
    [Fact]
    public void The_quantiles_are_those_of_the_sorted_samples() => PropertyCheck.ForAllBytes(
        bytes =>
        {
            int kind = bytes.Length == 0 ? 0 : bytes[0] % 5;
            long[] samples = [.. bytes.Select((value, index) => kind switch
            {
                0 => value * 1_000_003L,
                1 => 7,
                2 => index,
                3 => bytes.Length - index,
                _ => Math.Min(index, bytes.Length - index),
            })];
            var times = new RoundTripTimes();
            foreach (long sample in samples)
            {
                times.Add(sample);
            }

            long[] sorted = [.. samples.Order()];
            foreach (double fraction in new[] { 0, 0.01, 0.25, 0.5, 0.9, 0.99, 1 })
            {
                Assert.Equal(Expected(sorted, fraction), times.Quantile(fraction));
            }

            Assert.Equal(
                new RoundTripSummary(samples.Length, sorted.FirstOrDefault(), Expected(sorted, 0.5), Expected(sorted, 0.99), sorted.LastOrDefault()), times.Summarize());
        },
        maximumLength: RoundTripTimes.MaximumSamples);

    [Fact]
    public void Of_more_samples_than_are_kept_the_quantiles_are_near_and_the_ends_exact()
    {
        const int Count = 100_000;
        var times = new RoundTripTimes();
        for (int i = 0; i < Count; i++)
        {
            times.Add((i * 7919L) % Count);
        }

        RoundTripSummary summary = times.Summarize();
        Assert.Equal((Count, 0, Count - 1), (summary.Count, summary.Minimum, summary.Maximum));
        Assert.InRange(summary.Median, Count * 0.45, Count * 0.55);
        Assert.InRange(summary.Percentile99, Count * 0.98, Count);
    }

    private static long Expected(long[] sorted, double fraction) =>
        sorted.Length == 0 ? 0 : sorted[Math.Max(0, (int)Math.Ceiling(fraction * sorted.Length) - 1)];
}
