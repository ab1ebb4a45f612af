using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>
/// Puts the fragments of IPv4 (RFC 791) and IPv6 (RFC 8200) datagrams together. Bounded: at most <see cref="MaximumDatagrams"/> are under way, the oldest gives way,
/// and one that is not whole after <see cref="Lifetime"/> is forgotten. Of overlapping fragments the first bytes seen win. Fragments that the capture cut are left out.
/// <para>Deterministic: time is an argument. Threads: one at a time.</para>
/// </summary>
public sealed class FragmentReassembler
{
    /// <summary>Datagrams under way at most.</summary>
    public const int MaximumDatagrams = 256;

    /// <summary>How long fragments wait for the others, in ns of capture time: Linux's ipfrag_time, 30 s.</summary>
    public const long Lifetime = 30 * CaptureTimestamp.NanosecondsPerSecond;

    private const int MaximumPayload = 65535;

    private readonly Dictionary<FragmentKey, Datagram> _pending = [];
    private readonly Queue<FragmentKey> _order = [];

    /// <summary>Datagrams under way.</summary>
    public int Pending => _pending.Count;

    /// <summary>Bytes that they take, about.</summary>
    public long PendingBytes { get; private set; }

    /// <summary>True if the innermost IP layer of the packet is a fragment of something larger; an atomic fragment (RFC 6946) is not.</summary>
    public static bool IsFragment(in PacketView packet)
    {
        if (packet.WasUsual)
        {
            return packet.IsUsualFragment;
        }

        for (int i = packet.LayerCount - 1; i >= 0; i--)
        {
            Layer layer = packet[i];
            switch (layer.Kind)
            {
                case LayerKind.Ipv4:
                    return (BinaryPrimitives.ReadUInt16BigEndian(packet.Data[(layer.Offset + 6)..]) & 0x3FFF) != 0;
                case LayerKind.Ipv6Fragment:
                    return (BinaryPrimitives.ReadUInt16BigEndian(packet.Data[(layer.Offset + 2)..]) & 0xFFF9) != 0;
                case LayerKind.Ipv6:
                    return false;
                default:
                    break;
            }
        }

        return false;
    }

    /// <summary>
    /// Takes a fragment. True if it completes its datagram: <paramref name="datagram"/> is then that datagram from its IP header on, as if it had never been
    /// fragmented (IPv6 without its other extension headers); parse it as <paramref name="linkType"/>.
    /// </summary>
    public bool TryAdd(in PacketView packet, CaptureTimestamp at, out byte[] datagram, out LinkType linkType)
    {
        datagram = [];
        linkType = LinkType.Ipv4;
        if (!TryRead(in packet, out Fragment fragment) || fragment.Offset + fragment.Payload.Length > MaximumPayload)
        {
            return false;
        }

        linkType = fragment.Key.Source.IsIpv4 ? LinkType.Ipv4 : LinkType.Ipv6;
        Datagram pending = Find(fragment.Key, at);
        long before = pending.MemoryBytes;
        pending.Add(in fragment);
        PendingBytes += pending.MemoryBytes - before;
        if (!pending.IsComplete)
        {
            return false;
        }

        Remove(fragment.Key);
        datagram = pending.Build(fragment.Key);
        return true;
    }

    private Datagram Find(FragmentKey key, CaptureTimestamp at)
    {
        if (_pending.TryGetValue(key, out Datagram? pending))
        {
            if (at - pending.StartedAt <= Lifetime)
            {
                return pending;
            }

            Remove(key);
        }

        while (_pending.Count >= MaximumDatagrams || _order.Count >= 4 * MaximumDatagrams)
        {
            Remove(_order.Dequeue());
        }

        pending = new Datagram(at);
        PendingBytes += pending.MemoryBytes;
        _pending.Add(key, pending);
        _order.Enqueue(key);
        return pending;
    }

    private void Remove(FragmentKey key)
    {
        if (_pending.Remove(key, out Datagram? removed))
        {
            PendingBytes -= removed.MemoryBytes;
        }
    }

    private static bool TryRead(in PacketView packet, out Fragment fragment)
    {
        fragment = default;
        int index = packet.LayerCount - 1;
        while (index >= 0 && packet[index].Kind is not (LayerKind.Ipv4 or LayerKind.Ipv6Fragment))
        {
            index--;
        }

        if (index < 0)
        {
            return false;
        }

        Layer layer = packet[index];
        if (layer.PayloadOffset + layer.PayloadLength > packet.Data.Length)
        {
            return false;
        }

        ReadOnlySpan<byte> header = packet.Data.Slice(layer.Offset, layer.HeaderLength);
        ReadOnlySpan<byte> payload = packet.Data.Slice(layer.PayloadOffset, layer.PayloadLength);
        if (layer.Kind == LayerKind.Ipv4)
        {
            ushort field = BinaryPrimitives.ReadUInt16BigEndian(header[6..]);
            var key = new FragmentKey(
                IpAddress.FromBytes(header.Slice(12, 4)), IpAddress.FromBytes(header.Slice(16, 4)), BinaryPrimitives.ReadUInt16BigEndian(header[4..]), header[9]);
            fragment = new Fragment(key, header, (field & 0x1FFF) * 8, (field & 0x2000) != 0, payload);
            return true;
        }

        while (index > 0 && packet[index].Kind != LayerKind.Ipv6)
        {
            index--;
        }

        ReadOnlySpan<byte> fixedHeader = packet.Data.Slice(packet[index].Offset, Ipv6View.FixedLength);
        ushort offset = BinaryPrimitives.ReadUInt16BigEndian(header[2..]);
        var key6 = new FragmentKey(
            IpAddress.FromIpv6(fixedHeader[8..24]), IpAddress.FromIpv6(fixedHeader[24..40]), BinaryPrimitives.ReadUInt32BigEndian(header[4..]), header[0]);
        fragment = new Fragment(key6, fixedHeader, offset & 0xFFF8, (offset & 1) != 0, payload);
        return true;
    }

    private readonly record struct FragmentKey(IpAddress Source, IpAddress Destination, uint Identification, byte Protocol);

    private readonly ref struct Fragment(FragmentKey key, ReadOnlySpan<byte> header, int offset, bool more, ReadOnlySpan<byte> payload)
    {
        internal FragmentKey Key { get; } = key;

        internal ReadOnlySpan<byte> Header { get; } = header;

        internal int Offset { get; } = offset;

        internal bool MoreFollow { get; } = more;

        internal ReadOnlySpan<byte> Payload { get; } = payload;
    }

    /// <summary>One datagram under way: its bytes, which of them are there, its header.</summary>
    private sealed class Datagram(CaptureTimestamp startedAt)
    {
        private readonly List<(int Start, int End)> _present = [];
        private byte[] _payload = [];
        private byte[]? _header;
        private int _length = -1;

        internal CaptureTimestamp StartedAt { get; } = startedAt;

        // The object, its list and its place in the table are counted as 256.
        internal long MemoryBytes => 256 + _payload.Length + (8L * _present.Capacity);

        internal bool IsComplete => _header is not null && _length >= 0 && _present is [(0, var end)] && end >= _length;

        internal void Add(in Fragment fragment)
        {
            if (fragment.Offset == 0)
            {
                _header ??= fragment.Header.ToArray();
            }

            int start = fragment.Offset;
            int end = start + fragment.Payload.Length;
            if (!fragment.MoreFollow)
            {
                _length = _length < 0 ? end : _length;
            }

            if (end > _payload.Length)
            {
                Array.Resize(ref _payload, Math.Max(end, Math.Min(MaximumPayload, _payload.Length * 2)));
            }

            CopyMissing(start, fragment.Payload);
            Join(start, end);
        }

        internal byte[] Build(FragmentKey key)
        {
            var datagram = new byte[_header!.Length + _length];
            _header.CopyTo(datagram, 0);
            _payload.AsSpan(0, _length).CopyTo(datagram.AsSpan(_header.Length));
            if (key.Source.IsIpv4)
            {
                // 0 is a datagram too long for the field, which the decoder reads as such.
                BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(2), (ushort)(datagram.Length <= ushort.MaxValue ? datagram.Length : 0));
                BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(6), 0);
            }
            else
            {
                BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(4), (ushort)_length);
                datagram[6] = key.Protocol;
            }

            return datagram;
        }

        private void CopyMissing(int start, ReadOnlySpan<byte> data)
        {
            int at = start;
            int end = start + data.Length;
            foreach ((int from, int to) in _present)
            {
                if (at < Math.Min(from, end))
                {
                    data[(at - start)..(Math.Min(from, end) - start)].CopyTo(_payload.AsSpan(at));
                }

                at = Math.Max(at, Math.Min(to, end));
            }

            if (at < end)
            {
                data[(at - start)..].CopyTo(_payload.AsSpan(at));
            }
        }

        private void Join(int start, int end)
        {
            int index = _present.FindIndex(range => range.End >= start);
            index = index < 0 ? _present.Count : index;
            while (index < _present.Count && _present[index].Start <= end)
            {
                start = Math.Min(start, _present[index].Start);
                end = Math.Max(end, _present[index].End);
                _present.RemoveAt(index);
            }

            _present.Insert(index, (start, end));
        }
    }
}
