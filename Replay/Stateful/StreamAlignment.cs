using System.Runtime.InteropServices;

namespace Interceptor.Replay.Stateful;

/// <summary>Finds the place from which two streams that differ are the same again. Pure.</summary>
internal static class StreamAlignment
{
    // Equal bytes that make a place believable.
    private const int Anchor = 16;

    // At the end of what was seen fewer must do.
    private const int LastAnchor = 4;

    /// <summary>How many bytes differ if the streams stay side by side: up to the first <paramref name="apart"/> equal ones.</summary>
    internal static int RunSideBySide(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> seen, int apart)
    {
        int length = Math.Min(expected.Length, seen.Length);
        int end = 0;
        for (int i = 0; i < length && i - end < apart; i++)
        {
            end = expected[i] == seen[i] ? end : i + 1;
        }

        return end;
    }

    /// <summary>
    /// How much to skip of both, which differ in their first bytes: the cheapest way to a place where they are equal for long enough. Staying side by side costs the changed bytes; putting in and
    /// leaving out costs both lengths and a little more. Never nothing.
    /// </summary>
    /// <param name="expected">What should have come.</param>
    /// <param name="seen">What came.</param>
    /// <param name="apart">Equal bytes that end a changed stretch.</param>
    /// <param name="isWhole">Nothing comes behind the seen bytes for now.</param>
    internal static (int Expected, int Seen) Find(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> seen, int apart, bool isWhole)
    {
        int both = Math.Min(expected.Length, seen.Length);
        int run = RunSideBySide(expected, seen, apart);
        bool endsInside = run < both && (both - run >= apart || isWhole);
        (int Expected, int Seen) best = endsInside ? (run, run) : (both, both);
        int cost = endsInside ? run : both;
        if (both == 0)
        {
            // Nothing is known of what should have come, or nothing should: what came passes.
            return (0, Math.Max(1, seen.Length));
        }

        (int Expected, int Seen)? other = FindAnchor(expected, seen, cost - apart, isWhole);
        return other ?? best;
    }

    // The first anchor by the sum of what is skipped, if that is below the limit.
    private static (int Expected, int Seen)? FindAnchor(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> seen, int limit, bool isWhole)
    {
        var places = new Dictionary<ulong, int>();
        int last = Math.Min(expected.Length - Anchor, limit);
        for (int place = 0; place <= last; place++)
        {
            places.TryAdd(MemoryMarshal.Read<ulong>(expected[place..]), place);
        }

        (int Expected, int Seen)? best = null;
        for (int place = 0; place <= seen.Length - Anchor && place < limit; place++)
        {
            if (places.TryGetValue(MemoryMarshal.Read<ulong>(seen[place..]), out int at) && at + place < limit && at != place
                && expected.Slice(at, Anchor).SequenceEqual(seen.Slice(place, Anchor)))
            {
                best = (at, place);
                limit = at + place;
            }
        }

        return best ?? (isWhole ? FindTail(expected, seen, limit) : null);
    }

    // Fewer bytes than an anchor are left of what came: all of them must be there.
    private static (int Expected, int Seen)? FindTail(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> seen, int limit)
    {
        (int Expected, int Seen)? best = null;
        for (int place = Math.Max(0, seen.Length - Anchor); place <= seen.Length - LastAnchor && place < limit; place++)
        {
            int at = expected[..Math.Min(expected.Length, limit - place + Anchor)].IndexOf(seen[place..]);
            if (at >= 0 && at != place && at + place < limit)
            {
                best = (at, place);
                limit = at + place;
            }
        }

        return best;
    }
}
