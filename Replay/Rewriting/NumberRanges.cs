using System.Globalization;

namespace Interceptor.Replay.Rewriting;

/// <summary>A set of numbers, written as <c>1-10,20,30-</c>. Immutable.</summary>
public sealed class NumberRanges
{
    // Apart from one another and in order, so that a search is enough.
    private readonly List<(long First, long Last)> _ranges;

    private NumberRanges(List<(long First, long Last)> ranges) => _ranges = ranges;

    /// <summary>Reads numbers and ranges of them, separated by commas; a range without an end goes on for ever.</summary>
    /// <param name="text">The text.</param>
    /// <param name="smallest">The smallest number that there is.</param>
    /// <exception cref="FormatException">It is something else; the message says what to write.</exception>
    public static NumberRanges Parse(string text, long smallest)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ranges = new List<(long First, long Last)>();
        foreach (string part in text.Split(','))
        {
            int dash = part.IndexOf('-', StringComparison.Ordinal);
            if (!TryParse(dash < 0 ? part : part[..dash], out long first) || first < smallest)
            {
                throw Wrong(part, smallest);
            }

            long last = first;
            if (dash >= 0 && dash == part.Length - 1)
            {
                last = long.MaxValue;
            }
            else if (dash >= 0 && !(TryParse(part[(dash + 1)..], out last) && last >= first))
            {
                throw Wrong(part, smallest);
            }

            ranges.Add((first, last));
        }

        return new NumberRanges(Joined(ranges));
    }

    /// <summary>True if the number is one of them. Allocates nothing.</summary>
    public bool Contains(long number)
    {
        int low = 0;
        int high = _ranges.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            (long first, long last) = _ranges[middle];
            if (number < first)
            {
                high = middle - 1;
            }
            else if (number > last)
            {
                low = middle + 1;
            }
            else
            {
                return true;
            }
        }

        return false;
    }

    private static bool TryParse(string text, out long number) => long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static FormatException Wrong(string part, long smallest) =>
        new(string.Create(CultureInfo.InvariantCulture, $"'{part}' is neither a number from {smallest} on nor a range of them: write them as 1-10,20,30-"));

    private static List<(long First, long Last)> Joined(List<(long First, long Last)> ranges)
    {
        ranges.Sort();
        var joined = new List<(long First, long Last)>(ranges.Count);
        foreach ((long first, long last) in ranges)
        {
            if (joined.Count > 0 && first <= joined[^1].Last)
            {
                joined[^1] = (joined[^1].First, Math.Max(last, joined[^1].Last));
            }
            else
            {
                joined.Add((first, last));
            }
        }

        return joined;
    }
}
