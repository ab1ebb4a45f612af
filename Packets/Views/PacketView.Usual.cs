using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <content>
/// The packet that most captures are full of, TCP over IPv4 without options over Ethernet, decoded without a walk. Whatever is not sound in every field goes the
/// way of all others.
/// </content>
public readonly ref partial struct PacketView
{
    private const int UsualIpv4Offset = EthernetView.Length;
    private const int UsualTcpOffset = UsualIpv4Offset + Ipv4View.MinimumLength;

    private PacketView(ReadOnlySpan<byte> data, int originalLength, int tcpLength, int payloadLength)
    {
        _data = data;
        _layers[0] = LayerTable.Pack(LayerKind.Ethernet, 0, EthernetView.Length, originalLength - EthernetView.Length);
        _layers[1] = LayerTable.Pack(LayerKind.Ipv4, UsualIpv4Offset, Ipv4View.MinimumLength, tcpLength + payloadLength);
        _layers[2] = LayerTable.Pack(LayerKind.Tcp, UsualTcpOffset, tcpLength, payloadLength);
        LayerCount = 3;
        OriginalLength = originalLength;
        LinkType = LinkType.Ethernet;
        FaultOffset = UsualTcpOffset + tcpLength;
        _isUsual = true;
    }

    // Of a usual packet.
    private FlowKey UsualFlow => new(
        new FlowEndpoint(
            IpAddress.FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(_data[(UsualIpv4Offset + 12)..])), BinaryPrimitives.ReadUInt16BigEndian(_data[UsualTcpOffset..])),
        new FlowEndpoint(
            IpAddress.FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(_data[(UsualIpv4Offset + 16)..])), BinaryPrimitives.ReadUInt16BigEndian(_data[(UsualTcpOffset + 2)..])),
        IpProtocol.Tcp);

    /// <summary>It is the first fragment of a datagram (the others are no usual packets); false also for a packet that is not usual.</summary>
    internal bool IsUsualFragment => _isUsual && (_data[UsualIpv4Offset + 6] & 0x20) != 0;

    /// <summary>It was decoded as a usual packet.</summary>
    internal bool WasUsual => _isUsual;

    private static bool IsUsual(ReadOnlySpan<byte> data, int originalLength, out int tcpLength, out int payloadLength)
    {
        tcpLength = 0;
        payloadLength = 0;
        if (data.Length < UsualTcpOffset + TcpView.MinimumLength)
        {
            return false;
        }

        // The Ethernet type with version and header length; then the protocol. A later fragment has no TCP header.
        if (BinaryPrimitives.ReadUInt16BigEndian(data[12..]) != EtherType.Ipv4 || data[UsualIpv4Offset] != 0x45 || data[UsualIpv4Offset + 9] != IpProtocol.Tcp
            || (BinaryPrimitives.ReadUInt16BigEndian(data[(UsualIpv4Offset + 6)..]) & 0x1FFF) != 0)
        {
            return false;
        }

        int totalLength = BinaryPrimitives.ReadUInt16BigEndian(data[(UsualIpv4Offset + 2)..]);
        tcpLength = (data[UsualTcpOffset + 12] >> 4) * 4;
        payloadLength = totalLength - Ipv4View.MinimumLength - tcpLength;
        return tcpLength >= TcpView.MinimumLength && payloadLength >= 0 && totalLength <= originalLength - UsualIpv4Offset && data.Length - UsualTcpOffset >= tcpLength;
    }
}
