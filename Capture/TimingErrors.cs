using System.Numerics;

namespace Interceptor.Capture;

/// <summary>
/// How late packets were sent or let go: a histogram of nanoseconds with 64 steps in each power of two (within 1.6 %), of fixed size.
/// One writer.
/// </summary>
public sealed class TimingErrors
{
    private const int StepBits = 6;
    private const int Steps = 1 << StepBits;

    private readonly long[] _counts = new long[(64 - StepBits) * Steps];

    /// <summary>Errors recorded.</summary>
    public long Count { get; private set; }

    /// <summary>The largest, in nanoseconds, exact.</summary>
    public long Maximum { get; private set; }

    /// <summary>Records one error in nanoseconds; early counts as its size.</summary>
    public void Add(long nanoseconds)
    {
        long size = nanoseconds == long.MinValue ? long.MaxValue : Math.Abs(nanoseconds);
        _counts[IndexOf(size)]++;
        Count++;
        Maximum = Math.Max(Maximum, size);
    }

    /// <summary>The error in nanoseconds that this share of the packets did not exceed; 0 where none were recorded.</summary>
    /// <param name="share">Between 0 and 1: 0.5 is the median.</param>
    public long Percentile(double share)
    {
        long wanted = Math.Max(1, (long)Math.Ceiling(share * Count));
        long seen = 0;
        for (int index = 0; index < _counts.Length && Count > 0; index++)
        {
            seen += _counts[index];
            if (seen >= wanted)
            {
                return Math.Min(UpperEdge(index), Maximum);
            }
        }

        return Maximum;
    }

    /// <summary>How many errors lie above one limit and not above the next, the last without an end: as exact as the steps.</summary>
    /// <param name="limits">Nanoseconds, ascending.</param>
    /// <returns>One number more than there are limits.</returns>
    public IReadOnlyList<long> Distribution(params ReadOnlySpan<long> limits)
    {
        long[] counts = new long[limits.Length + 1];
        for (int index = 0; index < _counts.Length; index++)
        {
            if (_counts[index] > 0)
            {
                int limit = 0;
                while (limit < limits.Length && Math.Min(UpperEdge(index), Maximum) > limits[limit])
                {
                    limit++;
                }

                counts[limit] += _counts[index];
            }
        }

        return counts;
    }

    private static int IndexOf(long size)
    {
        int shift = Math.Max(0, 64 - BitOperations.LeadingZeroCount((ulong)size) - StepBits - 1);
        return (shift * Steps) + (int)(size >> shift);
    }

    private static long UpperEdge(int index)
    {
        if (index < 2 * Steps)
        {
            return index;
        }

        int shift = (index / Steps) - 1;
        return (((long)(index - (shift * Steps)) + 1) << shift) - 1;
    }
}
