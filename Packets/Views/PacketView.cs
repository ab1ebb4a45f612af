using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>
/// The decoded stack of one packet: which layers, where, and what stopped the decoding. Borrows the bytes and never changes them.
/// <see cref="Parse(ReadOnlySpan{byte}, LinkType, int)"/> accepts any bytes and keeps the layers that it could decode.
/// </summary>
public readonly ref partial struct PacketView
{
    private readonly LayerTable _layers;
    private readonly ReadOnlySpan<byte> _data;
    private readonly bool _isUsual;

    private PacketView(ReadOnlySpan<byte> data, scoped in LayerTable layers, int count, int originalLength, LinkType linkType, PacketFault fault, int faultOffset)
    {
        _data = data;
        _layers = layers;
        LayerCount = count;
        OriginalLength = originalLength;
        LinkType = linkType;
        Fault = fault;
        FaultOffset = faultOffset;
    }

    /// <summary>The captured bytes.</summary>
    public ReadOnlySpan<byte> Data => _data;

    /// <summary>Bytes on the wire.</summary>
    public int OriginalLength { get; }

    /// <summary>What the first byte belongs to.</summary>
    public LinkType LinkType { get; }

    /// <summary>What stopped the decoding, or <see cref="PacketFault.None"/>.</summary>
    public PacketFault Fault { get; }

    /// <summary>Offset of the header that could not be decoded; the end of the last header where nothing failed.</summary>
    public int FaultOffset { get; }

    /// <summary>Layers decoded, outermost first.</summary>
    public int LayerCount { get; }

    /// <summary>True if the capture holds fewer bytes than were on the wire.</summary>
    public bool IsTruncated => _data.Length < OriginalLength;

    /// <summary>
    /// Captured bytes behind the end of the outermost IP or ARP packet: what Ethernet adds to reach its minimum, or a trailer. 0 where there is neither.
    /// </summary>
    public int PaddingLength
    {
        get
        {
            for (int i = 0; i < LayerCount; i++)
            {
                Layer layer = LayerTable.Unpack(_layers[i]);
                if (layer.Kind is LayerKind.Ipv4 or LayerKind.Ipv6 or LayerKind.Arp)
                {
                    return Math.Max(0, _data.Length - (layer.PayloadOffset + layer.PayloadLength));
                }
            }

            return 0;
        }
    }

    /// <summary>The layer at <paramref name="index"/>, outermost first.</summary>
    public Layer this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)LayerCount, nameof(index));
            return LayerTable.Unpack(_layers[index]);
        }
    }

    /// <summary>The innermost layer; <see cref="LayerKind.None"/> if not even the first could be decoded.</summary>
    public Layer Innermost => LayerCount == 0 ? default : LayerTable.Unpack(_layers[LayerCount - 1]);

    /// <summary>Captured bytes behind the innermost header, without link padding; cut if the capture is.</summary>
    public ReadOnlySpan<byte> Payload
    {
        get
        {
            Layer last = Innermost;
            int start = last.PayloadOffset;
            int available = _data.Length - start;
            return _data.Slice(start, Math.Clamp(last.PayloadLength, 0, available));
        }
    }

    /// <summary>Bytes behind the innermost header on the wire: the TCP segment length where that header is TCP.</summary>
    public int PayloadLength => LayerCount == 0 ? OriginalLength : Innermost.PayloadLength;

    /// <summary>Decodes <paramref name="data"/>. Total: any bytes, any link type.</summary>
    /// <param name="data">The captured bytes.</param>
    /// <param name="linkType">What the first byte belongs to.</param>
    /// <param name="originalLength">Bytes on the wire; less than captured is taken as captured.</param>
    public static PacketView Parse(ReadOnlySpan<byte> data, LinkType linkType, int originalLength)
    {
        originalLength = Math.Max(originalLength, data.Length);
        if (linkType == LinkType.Ethernet && IsUsual(data, originalLength, out int tcpLength, out int payloadLength))
        {
            return new PacketView(data, originalLength, tcpLength, payloadLength);
        }

        var decoder = new Decoder(data, originalLength);
        decoder.Run(linkType);
        return new PacketView(data, in decoder.Layers, decoder.Count, decoder.OriginalLength, linkType, decoder.Fault, decoder.Offset);
    }

    /// <summary>Decodes a packet that was captured whole.</summary>
    public static PacketView Parse(ReadOnlySpan<byte> data, LinkType linkType) => Parse(data, linkType, data.Length);

    /// <summary>The captured bytes of one layer's header.</summary>
    public ReadOnlySpan<byte> HeaderOf(scoped in Layer layer) => _data.Slice(layer.Offset, layer.HeaderLength);

    /// <summary>Finds the innermost layer of a kind.</summary>
    public bool TryFind(LayerKind kind, out Layer layer)
    {
        for (int i = LayerCount - 1; i >= 0; i--)
        {
            if (LayerTable.KindOf(_layers[i]) == kind)
            {
                layer = LayerTable.Unpack(_layers[i]);
                return true;
            }
        }

        layer = default;
        return false;
    }

    /// <summary>
    /// The directed 5-tuple of the innermost IP header, with ports where the innermost layer is TCP or UDP.
    /// False where there is no IP.
    /// </summary>
    public bool TryGetFlow(out FlowKey flow)
    {
        if (_isUsual)
        {
            flow = UsualFlow;
            return true;
        }

        flow = default;
        for (int i = LayerCount - 1; i >= 0; i--)
        {
            Layer layer = LayerTable.Unpack(_layers[i]);
            IpAddress source;
            IpAddress destination;
            byte protocol;
            if (layer.Kind is LayerKind.Tcp or LayerKind.Udp)
            {
                continue;
            }

            ReadOnlySpan<byte> header = _data.Slice(layer.Offset, layer.HeaderLength);
            if (layer.Kind == LayerKind.Ipv4)
            {
                source = IpAddress.FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(header[12..]));
                destination = IpAddress.FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(header[16..]));
                protocol = header[9];
            }
            else if (layer.Kind == LayerKind.Ipv6)
            {
                source = IpAddress.FromIpv6(header.Slice(8, 16));
                destination = IpAddress.FromIpv6(header.Slice(24, 16));
                protocol = UpperProtocolOfIpv6(i);
            }
            else
            {
                continue;
            }

            ushort sourcePort = 0;
            ushort destinationPort = 0;
            Layer last = Innermost;
            if (last.Kind is LayerKind.Tcp or LayerKind.Udp)
            {
                sourcePort = BinaryPrimitives.ReadUInt16BigEndian(_data[last.Offset..]);
                destinationPort = BinaryPrimitives.ReadUInt16BigEndian(_data[(last.Offset + 2)..]);
            }

            flow = new FlowKey(new FlowEndpoint(source, sourcePort), new FlowEndpoint(destination, destinationPort), protocol);
            return true;
        }

        return false;
    }

    private byte UpperProtocolOfIpv6(int index)
    {
        byte next = _data[LayerTable.Unpack(_layers[index]).Offset + 6];
        for (int i = index + 1; i < LayerCount; i++)
        {
            Layer layer = LayerTable.Unpack(_layers[i]);
            if (layer.Kind is not (LayerKind.Ipv6Extension or LayerKind.Ipv6Fragment))
            {
                break;
            }

            next = _data[layer.Offset];
        }

        return next;
    }
}
