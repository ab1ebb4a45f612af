using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>A TCP segment directly behind one IP header, with what editing looks at. Borrows the bytes.</summary>
internal readonly ref struct EditedSegment
{
    private EditedSegment(ReadOnlySpan<byte> bytes, Layer layer, TcpView tcp)
    {
        Bytes = bytes;
        TcpOffset = layer.Offset;
        PayloadOffset = layer.PayloadOffset;
        PayloadLength = layer.PayloadLength;
        Tcp = tcp;
    }

    /// <summary>The packet from its IP header on.</summary>
    internal ReadOnlySpan<byte> Bytes { get; }

    internal TcpView Tcp { get; }

    internal TcpFlags Flags => Tcp.Flags;

    internal bool IsFin => (Flags & TcpFlags.Fin) != 0;

    internal int TcpOffset { get; }

    internal int PayloadOffset { get; }

    internal int PayloadLength { get; }

    internal ReadOnlySpan<byte> Header => Bytes[..PayloadOffset];

    internal ReadOnlySpan<byte> Payload => Bytes.Slice(PayloadOffset, PayloadLength);

    /// <summary>False if it is no whole TCP segment, or lies in a tunnel.</summary>
    internal static bool TryRead(scoped in PacketView view, out EditedSegment segment)
    {
        segment = default;
        Layer last = view.Innermost;
        if (!view.TryGetTcp(out TcpView tcp) || !IsDirect(in view) || last.PayloadOffset + last.PayloadLength > view.Data.Length)
        {
            return false;
        }

        segment = new EditedSegment(view.Data, last, tcp);
        return true;
    }

    /// <summary>One that was read before.</summary>
    internal static EditedSegment Read(IHeldSegment held) =>
        TryRead(PacketView.Parse(held.Bytes, LinkType.Raw), out EditedSegment segment) ? segment : throw new InvalidOperationException("A held packet is no segment any more.");

    /// <summary>The innermost header lies behind one IP header, with nothing but extension headers between them.</summary>
    internal static bool IsDirect(scoped in PacketView view)
    {
        for (int i = 1; i < view.LayerCount - 1; i++)
        {
            if (view[i].Kind != LayerKind.Ipv6Extension)
            {
                return false;
            }
        }

        return view.LayerCount > 1 && view[0].Kind is LayerKind.Ipv4 or LayerKind.Ipv6;
    }
}
