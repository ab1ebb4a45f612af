using System.Runtime.CompilerServices;
using Interceptor.Packets;

namespace Interceptor.Tcp;

/// <summary>
/// The lone SYNs, found by addresses and ports, oldest first. They lie in blocks that never move, so that growing copies nothing but the index; a place that
/// becomes free is used again.
/// </summary>
internal sealed class LoneSynTable
{
    private const int None = -1;
    private const int BlockShift = 10;
    private const int BlockLength = 1 << BlockShift;
    private const int InitialLength = 256;

    private readonly List<LoneSyn[]> _blocks = [];
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

    private static long BlockBytes => (long)BlockLength * Unsafe.SizeOf<LoneSyn>();

    internal ref LoneSyn this[int index] => ref _blocks[index >> BlockShift][index & (BlockLength - 1)];

    internal bool TryFind(int hash, in FlowKey flow, out int index)
    {
        index = None;
        if (Count == 0)
        {
            return false;
        }

        for (index = _buckets[hash & (_buckets.Length - 1)] - 1; index != None; index = this[index].NextInTable)
        {
            ref LoneSyn syn = ref this[index];
            if (syn.Hash == hash && syn.Joins(in flow))
            {
                return true;
            }
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
            Hash = hash,
            NextInTable = bucket - 1,
            Older = _newest,
            Newer = None,
        };
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

    internal void Remove(int index)
    {
        ref LoneSyn syn = ref this[index];
        Unlink(in syn, index);
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

        syn.NextInTable = _free;
        _free = index;
        Count--;
    }

    private void Unlink(in LoneSyn syn, int index)
    {
        ref int bucket = ref _buckets[syn.Hash & (_buckets.Length - 1)];
        if (bucket - 1 == index)
        {
            bucket = syn.NextInTable + 1;
            return;
        }

        int before = bucket - 1;
        while (this[before].NextInTable != index)
        {
            before = this[before].NextInTable;
        }

        this[before].NextInTable = syn.NextInTable;
    }

    private int TakePlace()
    {
        if (_free != None)
        {
            int index = _free;
            _free = this[index].NextInTable;
            return index;
        }

        if (_used == _blocks.Count << BlockShift)
        {
            _blocks.Add(new LoneSyn[BlockLength]);
        }

        return _used++;
    }

    // The index holds places plus one, so that a new array is an empty index.
    private void Grow()
    {
        _buckets = new int[GrownLength];
        for (int index = _oldest; index != None; index = this[index].Newer)
        {
            ref LoneSyn syn = ref this[index];
            ref int bucket = ref _buckets[syn.Hash & (_buckets.Length - 1)];
            syn.NextInTable = bucket - 1;
            bucket = index + 1;
        }
    }
}
