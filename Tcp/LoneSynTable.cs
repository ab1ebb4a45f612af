using System.Runtime.CompilerServices;
using Interceptor.Packets;

namespace Interceptor.Tcp;

/// <summary>
/// The lone SYNs, found by addresses and ports, oldest first. They lie in blocks that never move, so that growing copies nothing but the index; a place that
/// becomes free is used again. The chains lie apart from the SYNs: looking for one of a million that is not there reads a few of 8 bytes and no row.
/// </summary>
internal sealed class LoneSynTable
{
    private const int None = -1;
    private const int BlockShift = 10;
    private const int BlockLength = 1 << BlockShift;
    private const int InitialLength = 256;

    private readonly List<LoneSyn[]> _blocks = [];
    private readonly List<Link[]> _linkBlocks = [];
    private int[] _buckets = [];
    private int _used;
    private int _free = None;
    private int _oldest = None;
    private int _newest = None;

    internal int Count { get; private set; }

    /// <summary>Bytes of the blocks and of the index.</summary>
    internal long MemoryBytes => (_blocks.Count * BlockBytes) + ((long)_buckets.Length * sizeof(int));

    /// <summary>Bytes that the next SYN takes more than there are: none where a place is free and the index is not full.</summary>
    internal long NeededBytes => (_free != None || _used < _blocks.Count << BlockShift ? 0 : BlockBytes) + (Count < _buckets.Length ? 0 : GrownLength * sizeof(int));

    private int GrownLength => Math.Max(InitialLength, _buckets.Length * 2);

    private static long BlockBytes => (long)BlockLength * (Unsafe.SizeOf<LoneSyn>() + Unsafe.SizeOf<Link>());

    internal ref LoneSyn this[int index] => ref _blocks[index >> BlockShift][index & (BlockLength - 1)];

    internal int HashOf(int index) => LinkOf(index).Hash;

    internal bool TryFind(int hash, in FlowKey flow, out int index)
    {
        index = None;
        if (Count == 0)
        {
            return false;
        }

        index = _buckets[hash & (_buckets.Length - 1)] - 1;
        while (index != None)
        {
            ref Link link = ref LinkOf(index);
            if (link.Hash == hash && this[index].Joins(in flow))
            {
                return true;
            }

            index = link.Next;
        }

        return false;
    }

    internal void Add(int id, int hash, in FlowKey flow, in TcpSegment segment, CaptureTimestamp at, long number)
    {
        if (Count == _buckets.Length)
        {
            Grow();
        }

        int index = TakePlace();
        ref int bucket = ref _buckets[hash & (_buckets.Length - 1)];
        this[index] = new LoneSyn
        {
            Source = flow.Source,
            Destination = flow.Destination,
            At = at,
            Number = number,
            Options = segment.Options,
            Sequence = segment.Sequence,
            Acknowledgment = segment.Acknowledgment,
            Flags = segment.Flags,
            WindowField = segment.WindowField,
            Id = id,
            Older = _newest,
            Newer = None,
        };
        LinkOf(index) = new Link { Hash = hash, Next = bucket - 1 };
        bucket = index + 1;
        if (_newest == None)
        {
            _oldest = index;
        }
        else
        {
            this[_newest].Newer = index;
        }

        _newest = index;
        Count++;
    }

    internal bool TryGetOldest(out int index)
    {
        index = _oldest;
        return index != None;
    }

    /// <summary>Takes the oldest out of the line and leaves it in the index: at the end, when nothing is looked for any more.</summary>
    internal void PassOldest()
    {
        _oldest = this[_oldest].Newer;
        Count--;
    }

    internal void Remove(int index)
    {
        ref LoneSyn syn = ref this[index];
        Unlink(index);
        if (syn.Older == None)
        {
            _oldest = syn.Newer;
        }
        else
        {
            this[syn.Older].Newer = syn.Newer;
        }

        if (syn.Newer == None)
        {
            _newest = syn.Older;
        }
        else
        {
            this[syn.Newer].Older = syn.Older;
        }

        LinkOf(index).Next = _free;
        _free = index;
        Count--;
    }

    private ref Link LinkOf(int index) => ref _linkBlocks[index >> BlockShift][index & (BlockLength - 1)];

    private void Unlink(int index)
    {
        ref Link link = ref LinkOf(index);
        ref int bucket = ref _buckets[link.Hash & (_buckets.Length - 1)];
        if (bucket - 1 == index)
        {
            bucket = link.Next + 1;
            return;
        }

        ref Link before = ref LinkOf(bucket - 1);
        while (before.Next != index)
        {
            before = ref LinkOf(before.Next);
        }

        before.Next = link.Next;
    }

    private int TakePlace()
    {
        if (_free != None)
        {
            int index = _free;
            _free = LinkOf(index).Next;
            return index;
        }

        if (_used == _blocks.Count << BlockShift)
        {
            _blocks.Add(new LoneSyn[BlockLength]);
            _linkBlocks.Add(new Link[BlockLength]);
        }

        return _used++;
    }

    // The index holds places plus one, so that a new array is an empty index.
    private void Grow()
    {
        int[] old = _buckets;
        _buckets = new int[GrownLength];
        foreach (int first in old)
        {
            for (int index = first - 1; index != None;)
            {
                ref Link link = ref LinkOf(index);
                ref int bucket = ref _buckets[link.Hash & (_buckets.Length - 1)];
                int next = link.Next;
                link.Next = bucket - 1;
                bucket = index + 1;
                index = next;
            }
        }
    }

    // The hash of the row at the same place, and the next place in its chain.
    private struct Link
    {
        internal int Hash;
        internal int Next;
    }
}
