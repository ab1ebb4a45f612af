using System.Buffers.Binary;

namespace Interceptor.Packets;

public sealed partial class PacketFormatter
{
    // Tunnels within tunnels that are being printed.
    private int _depth;

    /// <summary>MPLS labels or a PPP-over-Ethernet session behind the link header, and the packet inside; false for other Ethernet types.</summary>
    private bool TryWriteLinkTunnel(scoped in PacketView packet, ushort etherType)
    {
        ReadOnlySpan<byte> data = packet.Data[packet.Innermost.PayloadOffset..];
        switch (etherType)
        {
            case 0x8847 or 0x8848 when data.Length >= 4:
                _text.Add("MPLS");
                WriteMplsLabels(data);
                break;
            case 0x8864 when data.Length >= 8:
                _text.Add("PPPoE  [ses 0x").Hex(BinaryPrimitives.ReadUInt16BigEndian(data[2..])).Add(']');
                break;
            default:
                return false;
        }

        WriteInner(packet, " ");
        return true;
    }

    /// <summary>A GRE header of version 0 (RFC 2784, RFC 2890) and the packet inside; false where there is none that can be read.</summary>
    private bool TryWriteGre(scoped in PacketView packet, scoped in Layer ip)
    {
        ReadOnlySpan<byte> data = packet.Data[ip.PayloadOffset..];
        const byte Checksum = 0x80, Routing = 0x40, Key = 0x20, Sequence = 0x10, Version = 7;
        if (data.Length < 4 || (data[0] & Routing) != 0 || (data[1] & Version) != 0)
        {
            return false;
        }

        int offset = (data[0] & Checksum) != 0 ? 8 : 4;
        _text.Add("GREv0");
        if ((data[0] & Key) != 0 && data.Length >= offset + 4)
        {
            _text.Add(", key=0x").Hex(BinaryPrimitives.ReadUInt32BigEndian(data[offset..]));
            offset += 4;
        }

        if ((data[0] & Sequence) != 0 && data.Length >= offset + 4)
        {
            _text.Add(", seq ").Add(BinaryPrimitives.ReadUInt32BigEndian(data[offset..]));
        }

        _text.Add(", length ").Add(ip.PayloadLength).Add(": ");
        ushort protocol = BinaryPrimitives.ReadUInt16BigEndian(data[2..]);
        bool isKnown = protocol is EtherType.Ipv4 or EtherType.Ipv6 or EtherType.Arp or 0x6558;
        if (!isKnown || !WriteInner(packet, ""))
        {
            _text.Add("gre-proto-0x").Hex(protocol, 4);
        }

        return true;
    }

    private void WriteMplsLabels(ReadOnlySpan<byte> data)
    {
        for (int offset = 0; offset + 4 <= data.Length; offset += 4)
        {
            uint entry = BinaryPrimitives.ReadUInt32BigEndian(data[offset..]);
            bool isBottom = (entry & 0x100) != 0;
            _text.Add(" (label ").Add(entry >> 12).Add(", tc ").Add((entry >> 9) & 7).Add(isBottom ? ", [S], ttl " : ", ttl ").Add(entry & 0xFF).Add(')');
            if (isBottom)
            {
                return;
            }
        }
    }

    private bool WriteInner(scoped in PacketView packet, ReadOnlySpan<char> separator)
    {
        if (_depth == Encapsulation.MaximumDepth || !Encapsulation.TryFindInner(packet, out PacketView inner))
        {
            return false;
        }

        int network = FirstNetworkLayer(inner);
        if (network == inner.LayerCount)
        {
            return false;
        }

        _depth++;
        _text.Add(separator);
        WriteNetwork(inner, network);
        _depth--;
        return true;
    }
}
