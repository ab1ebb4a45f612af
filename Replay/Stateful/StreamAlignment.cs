using System.Runtime.InteropServices;

namespace Interceptor.Replay.Stateful;

/// <summary>Finds the place from which two streams that differ are the same again. Pure.</summary>
internal static class StreamAlignment
{
    // Equal bytes that make a place worth a look.
    private const int Anchor = 16;

    // At the end of what was seen fewer must do.
    private const int LastAnchor = 4;

    // A place is judged by how many bytes differ within so many behind it: text from a template has many places that look right for a moment.
    private const int Judged = 1024;

    // Distances between the streams that are judged at most.
    private const int MostDistances = 256;

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
    /// How much to skip of both, which differ in their first bytes: the cheapest way to a place where they are the same. Staying side by side costs the changed bytes; putting in and
    /// leaving out costs both lengths and a little more; what differs behind the place costs too. Never nothing.
    /// </summary>
    /// <param name="expected">What should have come.</param>
    /// <param name="seen">What came.</param>
    /// <param name="apart">Equal bytes that end a changed stretch.</param>
    /// <param name="isWhole">Nothing comes behind the seen bytes for now.</param>
    internal static (int Expected, int Seen) Find(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> seen, int apart, bool isWhole)
    {
        int both = Math.Min(expected.Length, seen.Length);
        if (both == 0)
        {
            // Nothing is known of what should have come: what came passes.
            return (0, Math.Max(1, seen.Length));
        }

        int run = RunSideBySide(expected, seen, apart);
        bool endsInside = run < both && (both - run >= apart || isWhole);
        run = endsInside ? run : both;
        int cost = run + Differing(expected[run..], seen[run..]);
        return cost == run && run <= Anchor ? (run, run) : FindCheaper(expected, seen, cost - apart, isWhole) ?? (run, run);
    }

    private static int Differing(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> seen)
    {
        int length = Math.Min(Judged, Math.Min(expected.Length, seen.Length));
        int count = 0;
        for (int i = 0; i < length; i++)
        {
            count += expected[i] == seen[i] ? 0 : 1;
        }

        return count;
    }

    // The place with the lowest cost, if that is below the limit; each distance between the streams is judged at its first place.
    private static (int Expected, int Seen)? FindCheaper(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> seen, int limit, bool isWhole)
    {
        var places = new Dictionary<ulong, int>();
        int last = Math.Min(expected.Length - Anchor, limit);
        for (int place = 0; place <= last; place++)
        {
            places.TryAdd(MemoryMarshal.Read<ulong>(expected[place..]), place);
        }

        (int Expected, int Seen)? best = null;
        var judged = new HashSet<int>();
        for (int place = 0; place <= seen.Length - Anchor && place < limit && judged.Count < MostDistances; place++)
        {
            if (places.TryGetValue(MemoryMarshal.Read<ulong>(seen[place..]), out int at) && at + place < limit && at != place
                && expected.Slice(at, Anchor).SequenceEqual(seen.Slice(place, Anchor)) && judged.Add(at - place)
                && at + place + Differing(expected[at..], seen[place..]) is var cost && cost < limit)
            {
                best = (at, place);
                limit = cost;
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
