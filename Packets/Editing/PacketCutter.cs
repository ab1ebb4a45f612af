using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>
/// Cuts one IP packet that is longer than a link carries into several that are not: a TCP segment into segments, as segmentation offload does; any other IPv4 packet
/// that allows it into fragments (RFC 791, 3.2). Each has right lengths and checksums.
/// <para>One cut at a time; allocates nothing. Not thread-safe.</para>
/// </summary>
public sealed class PacketCutter
{
    private const TcpFlags OnlyLast = TcpFlags.Fin | TcpFlags.Psh;
    private const int FragmentUnit = 8;

    private LinkType _linkType;
    private int _version;
    private int _ipOffset;
    private int _bodyOffset;
    private int _bodyEnd;
    private int _tcpOffset = -1;
    private int _pieceLength;
    private int _next;
    private int _index;

    /// <summary>Pieces that are still to come.</summary>
    public bool HasMore => _next < _bodyEnd;

    /// <summary>Looks at a packet that is longer than it may be, and begins to cut it.</summary>
    /// <param name="data">The packet; stays as it is until the last piece was taken.</param>
    /// <param name="linkType">What its first byte belongs to.</param>
    /// <param name="map">What was read of it.</param>
    /// <param name="mtu">Bytes of an IP packet at most.</param>
    /// <param name="originalLength">Bytes on the wire.</param>
    /// <returns>Why it can't be cut; <see cref="CutObstacle.None"/> where pieces come.</returns>
    public CutObstacle Begin(ReadOnlySpan<byte> data, LinkType linkType, PacketMap map, int mtu, int originalLength)
    {
        ArgumentNullException.ThrowIfNull(map);
        _next = _bodyEnd = 0;
        if (!map.IsIpBehindLink)
        {
            return CutObstacle.NoIp;
        }

        if (map.UpperOffset + map.UpperLength > data.Length)
        {
            return CutObstacle.Truncated;
        }

        _linkType = linkType;
        _version = data[map.IpOffset] >> 4;
        _ipOffset = map.IpOffset;
        _index = 0;
        PacketView view = PacketView.Parse(data, linkType, originalLength);
        Layer last = view.Innermost;
        bool isTcp = map.UpperProtocol == IpProtocol.Tcp && !map.IsFragment && last.Kind == LayerKind.Tcp && last.Offset == map.UpperOffset;
        return isTcp ? BeginSegments(data, view, last, map, mtu) : BeginFragments(data, map, mtu);
    }

    /// <summary>Writes the next piece, link header and all.</summary>
    /// <param name="data">The packet that <see cref="Begin"/> looked at.</param>
    /// <param name="piece">Room for one: as long as the packet is always enough.</param>
    /// <returns>Its length.</returns>
    public int Next(ReadOnlySpan<byte> data, Span<byte> piece)
    {
        int length = Math.Min(_pieceLength, _bodyEnd - _next);
        bool isLast = _next + length == _bodyEnd;
        int written = _tcpOffset >= 0 ? WriteSegment(data, piece, length, isLast) : WriteFragment(data, piece, length, isLast);
        _next += length;
        _index++;
        return written;
    }

    private CutObstacle BeginSegments(ReadOnlySpan<byte> data, scoped in PacketView view, in Layer tcp, PacketMap map, int mtu)
    {
        var flags = (TcpFlags)(BinaryPrimitives.ReadUInt16BigEndian(data[(tcp.Offset + 12)..]) & 0x0FFF);
        if ((flags & (TcpFlags.Syn | TcpFlags.Rst | TcpFlags.Urg)) != 0)
        {
            return CutObstacle.NotDivisible;
        }

        // What is wrong must not become right by being cut.
        ChecksumReport checksums = PacketChecksums.Verify(view);
        if (checksums.HasIncorrect)
        {
            return CutObstacle.WrongChecksum;
        }

        _pieceLength = mtu - (tcp.PayloadOffset - _ipOffset);
        if (_pieceLength < 1)
        {
            return CutObstacle.NotDivisible;
        }

        _tcpOffset = tcp.Offset;
        _bodyOffset = _next = tcp.PayloadOffset;
        _bodyEnd = map.UpperOffset + map.UpperLength;
        return HasMore ? CutObstacle.None : CutObstacle.NotDivisible;
    }

    private CutObstacle BeginFragments(ReadOnlySpan<byte> data, PacketMap map, int mtu)
    {
        if (_version != 4)
        {
            return CutObstacle.NotDivisible;
        }

        if (!Ipv4View.TryParse(data[_ipOffset..], out Ipv4View ip))
        {
            return CutObstacle.NotDivisible;
        }

        if (ip.DontFragment)
        {
            return CutObstacle.DontFragment;
        }

        if (InternetChecksum.Compute(data[_ipOffset..map.UpperOffset]) != 0)
        {
            return CutObstacle.WrongChecksum;
        }

        _pieceLength = (mtu - (map.UpperOffset - _ipOffset)) / FragmentUnit * FragmentUnit;
        if (_pieceLength < FragmentUnit || ip.FragmentOffset + map.UpperLength > ushort.MaxValue)
        {
            return CutObstacle.NotDivisible;
        }

        _tcpOffset = -1;
        _bodyOffset = _next = map.UpperOffset;
        _bodyEnd = map.UpperOffset + map.UpperLength;
        return CutObstacle.None;
    }

    private int WriteSegment(ReadOnlySpan<byte> data, Span<byte> piece, int length, bool isLast)
    {
        data[.._bodyOffset].CopyTo(piece);
        data.Slice(_next, length).CopyTo(piece[_bodyOffset..]);
        int end = _bodyOffset + length;
        if (_version == 4 && Ipv4Editor.TryParse(piece[_ipOffset.._tcpOffset], out Ipv4Editor ip))
        {
            // As Linux numbers the packets that a device makes of one.
            ip.Identification += (ushort)_index;
        }

        if (TcpEditor.TryParse(piece[_tcpOffset..end], out TcpEditor tcp))
        {
            tcp.Sequence += _next - _bodyOffset;
            tcp.Flags &= ~((isLast ? TcpFlags.None : OnlyLast) | (_index == 0 ? TcpFlags.None : TcpFlags.Cwr));
        }

        PacketChecksums.FixLengthsAndChecksums(piece[..end], _linkType);
        return end;
    }

    private int WriteFragment(ReadOnlySpan<byte> data, Span<byte> piece, int length, bool isLast)
    {
        data[.._bodyOffset].CopyTo(piece);
        int headerEnd = _index == 0 ? _bodyOffset : KeepCopiedOptions(piece);
        data.Slice(_next, length).CopyTo(piece[headerEnd..]);
        Span<byte> header = piece[_ipOffset..headerEnd];
        ushort field = BinaryPrimitives.ReadUInt16BigEndian(header[6..]);
        int more = isLast ? field & 0x2000 : 0x2000;
        BinaryPrimitives.WriteUInt16BigEndian(header[6..], (ushort)((field & 0xC000) | more | ((field & 0x1FFF) + ((_next - _bodyOffset) / FragmentUnit))));
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)(header.Length + length));
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], InternetChecksum.Compute(header));
        if (_linkType == LinkType.Ethernet && BinaryPrimitives.ReadUInt16BigEndian(piece[12..]) <= EthernetView.MaximumLengthField)
        {
            BinaryPrimitives.WriteUInt16BigEndian(piece[12..], (ushort)(headerEnd + length - EthernetView.Length));
        }

        return headerEnd + length;
    }

    /// <summary>Fragments behind the first have only the options whose copied bit is set.</summary>
    private int KeepCopiedOptions(Span<byte> piece)
    {
        int read = _ipOffset + Ipv4View.MinimumLength;
        int write = read;
        while (read < _bodyOffset && piece[read] != 0)
        {
            int length = piece[read] == 1 ? 1 : read + 1 < _bodyOffset ? Math.Max((int)piece[read + 1], 2) : 2;
            length = Math.Min(length, _bodyOffset - read);
            if ((piece[read] & 0x80) != 0)
            {
                piece.Slice(read, length).CopyTo(piece[write..]);
                write += length;
            }

            read += length;
        }

        while ((write - _ipOffset) % 4 != 0)
        {
            piece[write++] = 0;
        }

        piece[_ipOffset] = (byte)(0x40 | ((write - _ipOffset) / 4));
        return write;
    }
}
