using System.Buffers;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// The pairs of an interception and the search for them: leftmost first, at one place in the order given; what was put in is not looked at again.
/// <para>Pure. Threads: any; nothing changes. Allocates nothing.</para>
/// </summary>
internal sealed class ReplacementSet
{
    private readonly byte[][] _old;
    private readonly byte[][] _new;
    private readonly SearchValues<byte> _firstBytes;

    internal ReplacementSet(IReadOnlyList<Replacement> pairs)
    {
        if (pairs.Any(pair => pair.Old.IsEmpty))
        {
            throw new ArgumentException("What is replaced has at least one byte.", nameof(pairs));
        }

        _old = [.. pairs.Select(pair => pair.Old.ToArray())];
        _new = [.. pairs.Select(pair => pair.New.ToArray())];
        _firstBytes = SearchValues.Create([.. _old.Select(old => old[0]).Distinct()]);
        LongestOld = _old.Max(old => old.Length);
        KeepsLength = pairs.All(pair => pair.Old.Length == pair.New.Length);
    }

    /// <summary>What a search ended with.</summary>
    internal enum Result
    {
        /// <summary>No pair begins in what is left.</summary>
        None,

        /// <summary>A pair is there.</summary>
        Found,

        /// <summary>The data ends where a pair may have begun: more has to come before it is decided.</summary>
        Open,
    }

    /// <summary>Bytes of the longest that is looked for.</summary>
    internal int LongestOld { get; }

    /// <summary>No pair changes a length: positions stay what they are.</summary>
    internal bool KeepsLength { get; }

    internal ReadOnlySpan<byte> Old(int pair) => _old[pair];

    internal ReadOnlySpan<byte> New(int pair) => _new[pair];

    /// <summary>Finds the first pair at or behind <paramref name="start"/>.</summary>
    /// <param name="data">What is searched.</param>
    /// <param name="start">Where to begin.</param>
    /// <param name="isFinal">Nothing follows the data: what has only begun is no pair.</param>
    /// <param name="index">Where it begins, if it was found or is open.</param>
    /// <param name="pair">Which, if it was found.</param>
    internal Result Find(ReadOnlySpan<byte> data, int start, bool isFinal, out int index, out int pair)
    {
        pair = 0;
        if (_old.Length == 1)
        {
            return FindOnly(data, start, isFinal, out index);
        }

        index = start;
        for (; index < data.Length; index++)
        {
            int next = data[index..].IndexOfAny(_firstBytes);
            if (next < 0)
            {
                return Result.None;
            }

            index += next;
            ReadOnlySpan<byte> rest = data[index..];
            for (pair = 0; pair < _old.Length; pair++)
            {
                ReadOnlySpan<byte> old = _old[pair];
                if (rest.StartsWith(old))
                {
                    return Result.Found;
                }

                if (!isFinal && rest.Length < old.Length && old.StartsWith(rest))
                {
                    return Result.Open;
                }
            }
        }

        return Result.None;
    }

    private Result FindOnly(ReadOnlySpan<byte> data, int start, bool isFinal, out int index)
    {
        ReadOnlySpan<byte> old = _old[0];
        int found = data[start..].IndexOf(old);
        if (found >= 0)
        {
            index = start + found;
            return Result.Found;
        }

        index = isFinal ? data.Length : Math.Max(start, data.Length - old.Length + 1);
        for (; index < data.Length; index++)
        {
            if (old.StartsWith(data[index..]))
            {
                return Result.Open;
            }
        }

        return Result.None;
    }
}
