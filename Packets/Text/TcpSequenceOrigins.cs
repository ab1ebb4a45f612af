namespace Interceptor.Packets;

/// <summary>
/// From where the sequence numbers of each connection are counted, so that they can be printed relative, as tcpdump does: the first packet with an
/// acknowledgment, and every SYN-ACK, is printed with absolute numbers and sets the origin of both directions; what follows is relative to it, modulo 2^32.
/// A SYN of another sequence number than the connection's begins a new connection of the same addresses and ports, whose SYN-ACK may be missing
/// in the capture: the origin is forgotten (tcpdump would go on counting from the old one).
/// <para>Bounded: of more than <see cref="MostConnections"/> connections the one that was quiet longest is forgotten; its next packet is printed with absolute
/// numbers again. Allocates only while it grows. Threads: one at a time.</para>
/// </summary>
internal sealed class TcpSequenceOrigins
{
    /// <summary>Connections remembered at most: about 7 MB.</summary>
    internal const int MostConnections = 65_536;

    private const int FirstCapacity = 256;
    private const int None = -1;

    private int[] _buckets = NewBuckets(FirstCapacity);
    private Entry[] _entries = new Entry[FirstCapacity];
    private int _used;
    private int _free = None;
    private int _newest = None;
    private int _oldest = None;

    /// <summary>The numbers to print for a segment.</summary>
    internal TcpSequenceNumbers Number(IpAddress source, IpAddress destination, scoped in TcpView tcp)
    {
        TcpFlags flags = tcp.Flags & (TcpFlags.Syn | TcpFlags.Ack);
        if (flags == TcpFlags.None)
        {
            return TcpSequenceNumbers.Absolute(tcp);
        }

        FlowKey key = new FlowKey(new(source, tcp.SourcePort), new(destination, tcp.DestinationPort), IpProtocol.Tcp).Canonical(out bool swapped);
        int index = Find(key);
        if (flags == TcpFlags.Syn)
        {
            if (index != None && _entries[index].OriginOf(swapped) != tcp.Sequence)
            {
                Forget(index);
            }

            return TcpSequenceNumbers.Absolute(tcp);
        }

        if (index == None || (flags & TcpFlags.Syn) != 0)
        {
            index = index == None ? Add(key) : index;
            _entries[index].Begin(swapped, tcp.Sequence, tcp.Acknowledgment - 1);
            Touch(index);
            return TcpSequenceNumbers.Absolute(tcp) with { SackOrigin = _entries[index].OriginOf(!swapped).Value };
        }

        Touch(index);
        uint peer = _entries[index].OriginOf(!swapped).Value;
        return new TcpSequenceNumbers(
            unchecked(tcp.Sequence.Value - _entries[index].OriginOf(swapped).Value), unchecked(tcp.Acknowledgment.Value - peer), peer);
    }

    private static int[] NewBuckets(int capacity)
    {
        int[] buckets = new int[capacity];
        Array.Fill(buckets, None);
        return buckets;
    }

    private ref int BucketOf(in FlowKey key) => ref _buckets[key.GetHashCode() & (_buckets.Length - 1)];

    private int Find(in FlowKey key)
    {
        int index = BucketOf(key);
        while (index != None && _entries[index].Key != key)
        {
            index = _entries[index].NextInBucket;
        }

        return index;
    }

    private int Add(in FlowKey key)
    {
        if (_free == None && _used == MostConnections)
        {
            Forget(_oldest);
        }
        else if (_free == None && _used == _entries.Length)
        {
            Grow();
        }

        int index = _free != None ? _free : _used++;
        if (index == _free)
        {
            _free = _entries[index].NextInBucket;
        }

        ref int bucket = ref BucketOf(key);
        _entries[index] = new Entry { Key = key, NextInBucket = bucket, Newer = None, Older = _newest };
        bucket = index;
        LinkAsNewest(index);
        return index;
    }

    private void Grow()
    {
        Array.Resize(ref _entries, _entries.Length * 2);
        _buckets = NewBuckets(_entries.Length);
        for (int i = 0; i < _used; i++)
        {
            ref int bucket = ref BucketOf(_entries[i].Key);
            _entries[i].NextInBucket = bucket;
            bucket = i;
        }
    }

    private void Forget(int index)
    {
        ref int link = ref BucketOf(_entries[index].Key);
        while (link != index)
        {
            link = ref _entries[link].NextInBucket;
        }

        link = _entries[index].NextInBucket;
        Unlink(index);
        _entries[index].NextInBucket = _free;
        _free = index;
    }

    private void Touch(int index)
    {
        if (index != _newest)
        {
            Unlink(index);
            LinkAsNewest(index);
        }
    }

    private void LinkAsNewest(int index)
    {
        _entries[index].Newer = None;
        _entries[index].Older = _newest;
        if (_newest != None)
        {
            _entries[_newest].Newer = index;
        }

        _newest = index;
        _oldest = _oldest == None ? index : _oldest;
    }

    private void Unlink(int index)
    {
        (int newer, int older) = (_entries[index].Newer, _entries[index].Older);
        if (newer == None)
        {
            _newest = older;
        }
        else
        {
            _entries[newer].Older = older;
        }

        if (older == None)
        {
            _oldest = newer;
        }
        else
        {
            _entries[older].Newer = newer;
        }
    }

    private struct Entry
    {
        internal FlowKey Key;
        internal int NextInBucket;
        internal int Newer;
        internal int Older;
        private SequenceNumber _sourceOrigin;
        private SequenceNumber _destinationOrigin;

        /// <summary>The origin of what the key's source sends, or its destination where <paramref name="swapped"/>.</summary>
        internal readonly SequenceNumber OriginOf(bool swapped) => swapped ? _destinationOrigin : _sourceOrigin;

        internal void Begin(bool swapped, SequenceNumber own, SequenceNumber peer) =>
            (_sourceOrigin, _destinationOrigin) = swapped ? (peer, own) : (own, peer);
    }
}
