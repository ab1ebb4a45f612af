namespace Interceptor.Packets;

/// <summary>
/// The editors of one packet's headers over one writable span. Decoded once: an edit must not change what the layers are or where they lie
/// (protocol numbers, header lengths); whoever does that makes a new one.
/// </summary>
public readonly ref struct PacketEditor
{
    private readonly Span<byte> _data;

    /// <summary>Decodes a packet to be edited; any bytes will do, what cannot be decoded has no editor.</summary>
    public PacketEditor(Span<byte> data, LinkType linkType, int originalLength)
    {
        _data = data;
        View = PacketView.Parse(data, linkType, originalLength);
    }

    /// <summary>Decodes a packet that is wholly here.</summary>
    public PacketEditor(Span<byte> data, LinkType linkType)
        : this(data, linkType, data.Length)
    {
    }

    /// <summary>The packet as it reads now, edits included.</summary>
    public PacketView View { get; }

    /// <summary>The captured bytes.</summary>
    public Span<byte> Data => _data;

    /// <summary>The captured bytes behind the innermost header, without padding.</summary>
    public Span<byte> Payload => View.LayerCount == 0 ? _data : _data.Slice(View.Innermost.PayloadOffset, View.Payload.Length);

    /// <summary>The innermost IPv4 header.</summary>
    public bool TryGetIpv4(out Ipv4Editor editor)
    {
        editor = default;
        return View.TryFind(LayerKind.Ipv4, out Layer layer) && Ipv4Editor.TryParse(_data[layer.Offset..], out editor);
    }

    /// <summary>The innermost IPv6 header.</summary>
    public bool TryGetIpv6(out Ipv6Editor editor)
    {
        editor = default;
        return View.TryFind(LayerKind.Ipv6, out Layer layer) && Ipv6Editor.TryParse(_data[layer.Offset..], out editor);
    }

    /// <summary>The TCP header, if it is the innermost layer.</summary>
    public bool TryGetTcp(out TcpEditor editor)
    {
        editor = default;
        Layer last = View.Innermost;
        return last.Kind == LayerKind.Tcp && TcpEditor.TryParse(_data[last.Offset..], out editor);
    }

    /// <summary>The UDP header, if it is the innermost layer.</summary>
    public bool TryGetUdp(out UdpEditor editor)
    {
        editor = default;
        Layer last = View.Innermost;
        return last.Kind == LayerKind.Udp && UdpEditor.TryParse(_data[last.Offset..], out editor);
    }

    /// <summary>Computes the checksums after edits that changed no length; see <see cref="PacketChecksums.FixChecksums(Span{byte}, LinkType, int)"/>.</summary>
    public void FixChecksums() => PacketChecksums.FixChecksums(_data, View.LinkType, View.OriginalLength);
}
