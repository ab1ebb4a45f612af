using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>
/// Where in one packet everything lies that an edit of addresses or ports must change, tunnels, ARP, neighbour discovery and the packets that ICMP errors quote
/// included, and which checksums cover what. <see cref="Write"/> changes bytes and <see cref="Settle"/> carries the checksums along (RFC 1624): one that was
/// right stays right, also where the capture does not hold all that it covers, and one that was wrong stays wrong by as much.
/// <para>Read once for each packet and reused for the next: allocates nothing. Not thread-safe.</para>
/// </summary>
public sealed partial class PacketMap
{
    private const int MostFields = 256;

    private readonly PacketField[] _fields = new PacketField[MostFields];
    private int _fieldCount;
    private bool _isZeroed;
    private LinkType _linkType;

    /// <summary>What was found, outermost first.</summary>
    public ReadOnlySpan<PacketField> Fields => _fields.AsSpan(0, _fieldCount);

    /// <summary>Why some addresses may be among what was not found; <see cref="PacketObstacle.None"/> where all were.</summary>
    public PacketObstacle Obstacle { get; private set; }

    /// <summary>Why a port was not found where there is one; <see cref="PacketObstacle.None"/> where all were, or there is none.</summary>
    public PacketObstacle PortObstacle { get; private set; }

    /// <summary>Why the options of a TCP header were not found; <see cref="PacketObstacle.None"/> where they were, or there is no TCP.</summary>
    public PacketObstacle OptionObstacle { get; private set; }

    /// <summary>Why there may be addresses in what is no known header: nothing of it was decoded. <see cref="PacketObstacle.None"/> where it was.</summary>
    public PacketObstacle HiddenObstacle { get; private set; }

    /// <summary>First byte of the outermost IP header; -1 where there is none.</summary>
    public int IpOffset { get; private set; }

    /// <summary>It stands behind the link header and VLAN tags, and behind nothing that has a length of its own.</summary>
    public bool IsIpBehindLink { get; private set; }

    /// <summary>First byte behind the outermost IP header and its extension headers.</summary>
    public int UpperOffset { get; private set; }

    /// <summary>Bytes on the wire from <see cref="UpperOffset"/> to the end of the outermost IP packet.</summary>
    public int UpperLength { get; private set; }

    /// <summary>Protocol of what begins at <see cref="UpperOffset"/>.</summary>
    public byte UpperProtocol { get; private set; }

    /// <summary>The outermost IP packet is a fragment.</summary>
    public bool IsFragment { get; private set; }

    /// <summary>First byte that belongs to no known header.</summary>
    public int PayloadOffset { get; private set; }

    /// <summary>The captured end of the payload, link padding left out.</summary>
    public int PayloadEnd { get; private set; }

    /// <summary>Reads a packet.</summary>
    /// <param name="data">The captured bytes; any will do.</param>
    /// <param name="linkType">What the first of them belongs to.</param>
    /// <param name="originalLength">Bytes on the wire.</param>
    public void Read(ReadOnlySpan<byte> data, LinkType linkType, int originalLength)
    {
        _fieldCount = 0;
        _isZeroed = false;
        _coverCount = 0;
        _changeCount = 0;
        Obstacle = PortObstacle = OptionObstacle = HiddenObstacle = PacketObstacle.None;
        IpOffset = -1;
        IsIpBehindLink = false;
        UpperOffset = UpperLength = UpperProtocol = 0;
        IsFragment = false;
        PayloadOffset = PayloadEnd = data.Length;
        _linkType = linkType;
        _frameCheckAt = FindFrameCheck(data, linkType, originalLength);
        if (IsKnown(linkType))
        {
            ReadPart(data, new Part(0, data.Length, linkType, originalLength, Depth: 0, IsQuoted: false));
        }
        else
        {
            Obstacle = PacketObstacle.LinkType;
            PayloadOffset = 0;
        }
    }

    private static ushort ReadU16(ReadOnlySpan<byte> data, int offset) => BinaryPrimitives.ReadUInt16BigEndian(data[offset..]);

    private void Block(PacketObstacle obstacle)
    {
        if (Obstacle == PacketObstacle.None)
        {
            Obstacle = obstacle;
        }
    }

    /// <summary>Notes a field; one that is not wholly captured is an obstacle instead.</summary>
    private void Add(ReadOnlySpan<byte> data, PacketFieldKind kind, int offset, int length, bool isOutermost = false, int prefixLength = 0)
    {
        if (offset + length > data.Length)
        {
            Block(PacketObstacle.Truncated);
        }
        else if (_fieldCount == MostFields)
        {
            Block(PacketObstacle.TooComplex);
        }
        else
        {
            _fields[_fieldCount++] = new PacketField(kind, offset, length, isOutermost, prefixLength);
        }
    }

    /// <summary>A packet, or one inside another.</summary>
    private readonly record struct Part(int Start, int End, LinkType LinkType, int WireLength, int Depth, bool IsQuoted, bool IsInFragment = false)
    {
        internal bool IsOutermost => Depth == 0;
    }

    /// <summary>The IP header that was met last, and what is known of what it carries.</summary>
    private struct IpPlace
    {
        internal int Version;
        internal int HeaderAt;
        internal int SourceAt;
        internal int DestinationAt;
        internal byte Protocol;
        internal int UpperAt;
        internal int UpperLength;
        internal bool IsFragment;
        internal bool IsLaterFragment;
        internal bool HasNoLength;

        // It is a fragment itself, and not only inside one.
        internal bool IsOwnFragment;

        // Bytes behind its header as it says, whatever there is of them.
        internal int NamedUpperLength;

        // Its length names more than what is around it has.
        internal bool IsClipped;

        internal readonly int AddressLength => Version == 4 ? 4 : 16;
    }
}
