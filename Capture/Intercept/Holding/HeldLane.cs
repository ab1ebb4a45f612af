using System.Buffers.Binary;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// What is held of one direction of a connection, found by what it occupies: a copy is looked for among few, however many are held.
/// <para>Threads: guarded by its owner.</para>
/// </summary>
internal sealed class HeldLane
{
    // Sequence numbers are taken in blocks of 4096: a segment of the usual size lies in one or two.
    private const int BlockShift = 12;
    private const uint LastBlock = uint.MaxValue >> BlockShift;
    private const ulong Identified = 1UL << 63;
    private readonly Dictionary<ulong, List<HeldEntry>> _places = [];

    /// <summary>Packets that are held.</summary>
    internal int Count { get; private set; }

    internal void Add(HeldEntry entry)
    {
        Count++;
        Enter(entry);
    }

    internal void Remove(HeldEntry entry)
    {
        Count--;
        Leave(entry);
    }

    /// <summary>Gives a held packet other bytes, of its sender.</summary>
    internal void Replace(HeldEntry entry, in HeldRange range, ReadOnlyMemory<byte> bytes)
    {
        Leave(entry);
        entry.Range = range;
        entry.Original = bytes;
        Enter(entry);
    }

    /// <summary>All that have a number in common with a packet, and maybe others, in order of arrival.</summary>
    internal List<HeldEntry> Near(in HeldRange range, ReadOnlySpan<byte> bytes)
    {
        var near = new List<HeldEntry>();
        foreach (ulong place in PlacesOf(in range, bytes))
        {
            near.AddRange(_places.GetValueOrDefault(place) ?? []);
        }

        return near.Count < 2 ? near : [.. near.Distinct().OrderBy(static entry => entry.Item.Id)];
    }

    private void Enter(HeldEntry entry)
    {
        foreach (ulong place in PlacesOf(entry.Range, entry.Original.Span))
        {
            if (!_places.TryGetValue(place, out List<HeldEntry>? there))
            {
                _places.Add(place, there = new List<HeldEntry>(1));
            }

            there.Add(entry);
        }
    }

    private void Leave(HeldEntry entry)
    {
        foreach (ulong place in PlacesOf(entry.Range, entry.Original.Span))
        {
            List<HeldEntry> there = _places[place];
            there.Remove(entry);
            if (there.Count == 0)
            {
                _places.Remove(place);
            }
        }
    }

    // What is equal, or covers or is covered, has a place in common.
    private static List<ulong> PlacesOf(in HeldRange range, ReadOnlySpan<byte> bytes)
    {
        var places = new List<ulong>(2);
        if (range.IsIdentified)
        {
            places.Add(Identified | ((ulong)BinaryPrimitives.ReadUInt16BigEndian(bytes[range.TextOffset..]) << 32) | (uint)bytes.Length);
        }
        else if (range.Length > 0)
        {
            uint block = range.Start.Value >> BlockShift;
            uint last = (range.Start + (range.Length - 1)).Value >> BlockShift;
            places.Add(block);
            while (block != last)
            {
                block = (block + 1) & LastBlock;
                places.Add(block);
            }
        }

        return places;
    }
}
