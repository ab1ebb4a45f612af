using System.Buffers.Binary;

namespace Interceptor.Packets;

public sealed partial class PacketBuilder
{
    /// <summary>Adds an IPv4 header without options.</summary>
    /// <param name="source">Source address.</param>
    /// <param name="destination">Destination address.</param>
    /// <param name="timeToLive">Time to live.</param>
    /// <param name="identification">The identification field.</param>
    /// <param name="typeOfService">DSCP and ECN bits.</param>
    /// <param name="dontFragment">DF; Linux sets it on TCP.</param>
    /// <param name="moreFragments">MF.</param>
    /// <param name="fragmentOffset">Offset of a fragment in bytes, a multiple of 8.</param>
    /// <param name="protocol">Protocol of a payload that has no method here; headers added behind set their own.</param>
    public PacketBuilder Ipv4(
        IpAddress source, IpAddress destination, byte timeToLive = 64, ushort identification = 0, byte typeOfService = 0,
        bool dontFragment = false, bool moreFragments = false, int fragmentOffset = 0, byte protocol = 0)
    {
        RequireVersion(source, 4);
        RequireVersion(destination, 4);
        if (fragmentOffset % 8 != 0 || (uint)fragmentOffset > 0xFFF8)
        {
            throw new ArgumentOutOfRangeException(nameof(fragmentOffset), fragmentOffset, "A fragment begins at a multiple of 8 below 65536.");
        }

        Announce(_nextFieldWidth == 1 && _nextField >= 0 ? IpProtocol.Ipv4 : EtherType.Ipv4);
        Span<byte> header = Append(Ipv4View.MinimumLength);
        header[0] = 0x45;
        header[1] = typeOfService;
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], identification);
        int flags = (dontFragment ? 0x4000 : 0) | (moreFragments ? 0x2000 : 0);
        BinaryPrimitives.WriteUInt16BigEndian(header[6..], (ushort)(flags | (fragmentOffset / 8)));
        header[8] = timeToLive;
        header[9] = protocol;
        source.CopyTo(header[12..]);
        destination.CopyTo(header[16..]);

        ExpectNext(_length - Ipv4View.MinimumLength + 9, 1);
        return this;
    }

    /// <summary>Adds the fixed IPv6 header.</summary>
    /// <param name="source">Source address.</param>
    /// <param name="destination">Destination address.</param>
    /// <param name="hopLimit">Hop limit.</param>
    /// <param name="trafficClass">DSCP and ECN bits.</param>
    /// <param name="flowLabel">The 20-bit flow label.</param>
    /// <param name="nextHeader">Protocol of a payload that has no method here; headers added behind set their own.</param>
    public PacketBuilder Ipv6(
        IpAddress source, IpAddress destination, byte hopLimit = 64, byte trafficClass = 0, int flowLabel = 0, byte nextHeader = IpProtocol.Ipv6NoNext)
    {
        RequireVersion(source, 6);
        RequireVersion(destination, 6);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)flowLabel, 0xFFFFFu, nameof(flowLabel));
        Announce(_nextFieldWidth == 1 && _nextField >= 0 ? IpProtocol.Ipv6 : EtherType.Ipv6);
        Span<byte> header = Append(Ipv6View.FixedLength);
        BinaryPrimitives.WriteUInt32BigEndian(header, 0x6000_0000 | ((uint)trafficClass << 20) | (uint)flowLabel);
        header[6] = nextHeader;
        header[7] = hopLimit;
        source.CopyTo(header[8..]);
        destination.CopyTo(header[24..]);
        ExpectNext(_length - Ipv6View.FixedLength + 6, 1);
        return this;
    }

    /// <summary>Adds an IPv6 extension header.</summary>
    /// <param name="kind">Its protocol number.</param>
    /// <param name="data">What comes behind next header and length; padded with zeros to a multiple of 8.</param>
    public PacketBuilder Ipv6Extension(byte kind, ReadOnlySpan<byte> data)
    {
        Announce(kind);
        int length = (data.Length + 2 + 7) / 8 * 8;
        Span<byte> header = Append(length);
        header[0] = IpProtocol.Ipv6NoNext;
        header[1] = checked((byte)((length / 8) - 1));
        data.CopyTo(header[2..]);
        ExpectNext(_length - length, 1);
        return this;
    }

    /// <summary>Adds an IPv6 fragment header.</summary>
    /// <param name="identification">The identification field.</param>
    /// <param name="fragmentOffset">Offset in bytes, a multiple of 8.</param>
    /// <param name="moreFragments">M.</param>
    /// <param name="nextHeader">Protocol of what is fragmented; headers added behind set their own.</param>
    public PacketBuilder Ipv6Fragment(uint identification, int fragmentOffset, bool moreFragments, byte nextHeader = IpProtocol.Ipv6NoNext)
    {
        if (fragmentOffset % 8 != 0 || (uint)fragmentOffset > 0xFFF8)
        {
            throw new ArgumentOutOfRangeException(nameof(fragmentOffset), fragmentOffset, "A fragment begins at a multiple of 8 below 65536.");
        }

        Announce(IpProtocol.Ipv6Fragment);
        Span<byte> header = Append(Ipv6FragmentView.Length);
        header[0] = nextHeader;
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)(fragmentOffset | (moreFragments ? 1 : 0)));
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], identification);
        ExpectNext(_length - Ipv6FragmentView.Length, 1);
        return this;
    }

    /// <summary>Adds a UDP header.</summary>
    /// <param name="sourcePort">Source port.</param>
    /// <param name="destinationPort">Destination port.</param>
    /// <param name="datagramLength">In a first fragment, bytes of header and payload of the whole datagram; elsewhere the length is what there is.</param>
    public PacketBuilder Udp(ushort sourcePort, ushort destinationPort, ushort datagramLength = 0)
    {
        Announce(IpProtocol.Udp);
        Span<byte> header = Append(UdpView.Length);
        BinaryPrimitives.WriteUInt16BigEndian(header, sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], destinationPort);

        BinaryPrimitives.WriteUInt16BigEndian(header[4..], datagramLength);

        // Zero would be a datagram without checksum, to be left alone; any other value is computed over.
        BinaryPrimitives.WriteUInt16BigEndian(header[6..], 0xFFFF);
        return this;
    }

    /// <summary>Adds an ICMP message.</summary>
    /// <param name="type">Message type.</param>
    /// <param name="code">Code of that type.</param>
    /// <param name="restOfHeader">The four bytes behind the checksum.</param>
    public PacketBuilder Icmp(byte type, byte code, uint restOfHeader = 0)
    {
        Announce(IpProtocol.Icmp);
        return IcmpHeader(type, code, restOfHeader);
    }

    /// <summary>Adds an ICMPv6 message.</summary>
    /// <param name="type">Message type.</param>
    /// <param name="code">Code of that type.</param>
    /// <param name="restOfHeader">The four bytes behind the checksum.</param>
    public PacketBuilder Icmpv6(byte type, byte code, uint restOfHeader = 0)
    {
        Announce(IpProtocol.Icmpv6);
        return IcmpHeader(type, code, restOfHeader);
    }

    /// <summary>Adds an ICMP echo request or reply.</summary>
    public PacketBuilder IcmpEcho(ushort identifier, ushort sequence, bool isReply = false) =>
        Icmp(isReply ? (byte)0 : (byte)8, 0, ((uint)identifier << 16) | sequence);

    /// <summary>Adds an ICMPv6 echo request or reply.</summary>
    public PacketBuilder Icmpv6Echo(ushort identifier, ushort sequence, bool isReply = false) =>
        Icmpv6(isReply ? (byte)129 : (byte)128, 0, ((uint)identifier << 16) | sequence);

    private PacketBuilder IcmpHeader(byte type, byte code, uint restOfHeader)
    {
        Span<byte> header = Append(IcmpView.Length);
        header[0] = type;
        header[1] = code;
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], restOfHeader);
        return this;
    }
}
