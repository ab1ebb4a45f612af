using System.Buffers;
using System.Runtime.InteropServices;

namespace Interceptor.Tcp;

/// <summary>
/// Round-trip times of one direction. The first <see cref="MaximumSamples"/> are kept as they are; after that each second one is dropped and
/// only each second new one is taken, and so on: the quantiles stay those of an even selection, and the memory stays bounded. Minimum and maximum are exact.
/// </summary>
public sealed class RoundTripTimes
{
    /// <summary>Samples kept at most.</summary>
    public const int MaximumSamples = 2048;

    private List<long>? _kept;
    private long _stride = 1;

    /// <summary>Is told when <see cref="MemoryBytes"/> may have changed.</summary>
    internal TcpConnection? Owner { get; init; }

    /// <summary>Samples seen.</summary>
    public long Count { get; private set; }

    /// <summary>Shortest, ns; 0 without samples.</summary>
    public long Minimum { get; private set; }

    /// <summary>Longest, ns; 0 without samples.</summary>
    public long Maximum { get; private set; }

    /// <summary>The smoothed time of RFC 6298 (SRTT), ns; 0 without samples.</summary>
    public long Smoothed { get; private set; }

    /// <summary>The newest one, ns; 0 without samples.</summary>
    public long Latest { get; private set; }

    /// <summary>Takes one sample in ns; a negative one (a capture whose clock stepped back) is left out.</summary>
    public void Add(long nanoseconds)
    {
        if (nanoseconds < 0)
        {
            return;
        }

        Minimum = Count == 0 ? nanoseconds : Math.Min(Minimum, nanoseconds);
        Maximum = Math.Max(Maximum, nanoseconds);
        Latest = nanoseconds;

        // RFC 6298, 2.3: alpha is 1/8.
        Smoothed = Count == 0 ? nanoseconds : Smoothed + ((nanoseconds - Smoothed) / 8);
        // The stride is a power of two.
        if ((Count++ & (_stride - 1)) != 0)
        {
            return;
        }

        _kept ??= [];
        if (_kept.Count == _kept.Capacity)
        {
            Owner?.NoteMemoryChange();
        }

        if (_kept.Count == MaximumSamples)
        {
            for (int i = 0; i < MaximumSamples / 2; i++)
            {
                _kept[i] = _kept[2 * i];
            }

            _kept.RemoveRange(MaximumSamples / 2, MaximumSamples / 2);
            _stride *= 2;
        }

        _kept.Add(nanoseconds);
    }

    /// <summary>Bytes it takes, about.</summary>
    internal long MemoryBytes => 64 + (sizeof(long) * (long)(_kept?.Capacity ?? 0));

    internal void TrimExcess() => _kept?.TrimExcess();

    /// <summary>The value that <paramref name="fraction"/> of the samples do not exceed, ns (nearest rank); 0 without samples.</summary>
    /// <param name="fraction">From 0 to 1: 0.5 is the median.</param>
    public long Quantile(double fraction) => Quantile(Sorted(), fraction);

    /// <summary>All five numbers, with one sorting.</summary>
    public RoundTripSummary Summarize()
    {
        int count = _kept?.Count ?? 0;
        long[] rented = ArrayPool<long>.Shared.Rent(count);
        Span<long> sorted = rented.AsSpan(0, count);
        CollectionsMarshal.AsSpan(_kept).CopyTo(sorted);
        sorted.Sort();
        var summary = new RoundTripSummary(Count, Minimum, Quantile(sorted, 0.5), Quantile(sorted, 0.99), Maximum);
        ArrayPool<long>.Shared.Return(rented);
        return summary;
    }

    private static long Quantile(ReadOnlySpan<long> sorted, double fraction)
    {
        int rank = (int)Math.Ceiling(Math.Clamp(fraction, 0, 1) * sorted.Length);
        return sorted.Length == 0 ? 0 : sorted[Math.Max(0, rank - 1)];
    }

    private long[] Sorted()
    {
        long[] sorted = _kept is null ? [] : [.. _kept];
        Array.Sort(sorted);
        return sorted;
    }
}
