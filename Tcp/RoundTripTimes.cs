using System.Buffers;

namespace Interceptor.Tcp;

/// <summary>
/// Round-trip times of one direction. The first <see cref="MaximumSamples"/> are kept as they are; after that each second one is dropped and
/// only each second new one is taken, and so on: the quantiles stay those of an even selection, and the memory stays bounded. Minimum and maximum are exact.
/// </summary>
public sealed class RoundTripTimes
{
    /// <summary>Samples kept at most.</summary>
    public const int MaximumSamples = 2048;

    private const int InitialLength = 4;

    private long[] _kept = [];
    private int _count;
    private long _stride = 1;

    /// <summary>Is told when <see cref="MemoryBytes"/> may have changed, and lends the arrays.</summary>
    internal TcpConnection? Owner { get; init; }

    /// <summary>Samples seen.</summary>
    public long Count { get; private set; }

    /// <summary>Shortest, ns; 0 without samples.</summary>
    public long Minimum { get; private set; }

    /// <summary>Longest, ns; 0 without samples.</summary>
    public long Maximum { get; private set; }

    /// <summary>The smoothed time of RFC 6298 (SRTT), ns; 0 without samples.</summary>
    public long Smoothed { get; private set; }

    /// <summary>How much they vary (RTTVAR of RFC 6298), ns; 0 without samples.</summary>
    public long Variation { get; private set; }

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

        // RFC 6298, 2.2 and 2.3: beta is 1/4 and alpha 1/8, and the variation is against the smoothed time before this one.
        Variation = Count == 0 ? nanoseconds / 2 : Variation + ((Math.Abs(Smoothed - nanoseconds) - Variation) / 4);
        Smoothed = Count == 0 ? nanoseconds : Smoothed + ((nanoseconds - Smoothed) / 8);

        // The stride is a power of two.
        if ((Count++ & (_stride - 1)) != 0)
        {
            return;
        }

        if (_count == _kept.Length)
        {
            MakeRoom();
        }

        _kept[_count++] = nanoseconds;
    }

    /// <summary>Bytes it takes, about.</summary>
    internal long MemoryBytes => 64 + (sizeof(long) * (long)_kept.Length);

    /// <summary>Nobody asks for quantiles any more: the samples' room serves others.</summary>
    internal void GiveBack()
    {
        Owner?.Arrays.Times.Return(_kept);
        _kept = [];
        _count = 0;
    }

    private void MakeRoom()
    {
        if (_count == MaximumSamples)
        {
            for (int i = 0; i < MaximumSamples / 2; i++)
            {
                _kept[i] = _kept[2 * i];
            }

            _count = MaximumSamples / 2;
            _stride *= 2;
            return;
        }

        int length = Math.Max(InitialLength, 2 * _count);
        long[] larger = Owner?.Arrays.Times.Take(length) ?? new long[length];
        _kept.AsSpan(0, _count).CopyTo(larger);
        Owner?.Arrays.Times.Return(_kept);
        _kept = larger;
        Owner?.NoteMemoryChange();
    }

    /// <summary>The value that <paramref name="fraction"/> of the samples do not exceed, ns (nearest rank); 0 without samples.</summary>
    /// <param name="fraction">From 0 to 1: 0.5 is the median.</param>
    public long Quantile(double fraction) => _count == 0 ? 0 : OrderStatistic.Select(_kept.AsSpan(0, _count).ToArray(), RankOf(fraction));

    /// <summary>All five numbers.</summary>
    public RoundTripSummary Summarize()
    {
        if (_count == 0)
        {
            return new RoundTripSummary(Count, Minimum, 0, 0, Maximum);
        }

        long[] rented = ArrayPool<long>.Shared.Rent(_count);
        Span<long> samples = rented.AsSpan(0, _count);
        _kept.AsSpan(0, _count).CopyTo(samples);

        // What is below the higher quantile holds the lower one.
        int high = RankOf(0.99);
        long percentile99 = OrderStatistic.Select(samples, high);
        long median = OrderStatistic.Select(samples[..(high + 1)], RankOf(0.5));
        ArrayPool<long>.Shared.Return(rented);
        return new RoundTripSummary(Count, Minimum, median, percentile99, Maximum);
    }

    private int RankOf(double fraction) => Math.Max(0, (int)Math.Ceiling(Math.Clamp(fraction, 0, 1) * _count) - 1);
}
