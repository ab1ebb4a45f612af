using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>Checks and repairs the checksums, and lengths, of whole packets.</summary>
public static class PacketChecksums
{
    /// <summary>Checks what can be checked of the innermost IP header and what it carries; changes nothing.</summary>
    public static ChecksumReport Verify(scoped in PacketView packet)
    {
        var report = default(ChecksumReport);
        if (!TryFindIp(packet, out Layer ip))
        {
            return report;
        }

        if (ip.Kind == LayerKind.Ipv4)
        {
            ReadOnlySpan<byte> header = packet.HeaderOf(ip);
            ushort sum = SumWithout(header, 10);
            report = report with
            {
                Ipv4Header = Covers(sum, ReadU16(header, 10)) ? ChecksumStatus.Correct : ChecksumStatus.Incorrect,
                Ipv4HeaderExpected = InternetChecksum.Finish(sum),
            };
        }

        ChecksumStatus transport = CheckTransport(packet, ip, out ushort transportExpected);
        return report with { Transport = transport, TransportExpected = transportExpected };
    }

    /// <summary>
    /// Computes the checksums of a packet whose lengths are right: IPv4 header, TCP, UDP, ICMP, ICMPv6. Left alone are the transport checksum of fragments
    /// and of packets that are not wholly here, and that of UDP over IPv4 sent without one.
    /// </summary>
    /// <param name="packet">The packet, edited in place.</param>
    /// <param name="linkType">What its first byte belongs to.</param>
    /// <param name="originalLength">Bytes on the wire.</param>
    public static void FixChecksums(Span<byte> packet, LinkType linkType, int originalLength) =>
        Fix(PacketView.Parse(packet, linkType, originalLength), packet);

    /// <summary><see cref="FixChecksums(Span{byte}, LinkType, int)"/> for a packet that is wholly here.</summary>
    public static void FixChecksums(Span<byte> packet, LinkType linkType) => FixChecksums(packet, linkType, packet.Length);

    /// <summary>
    /// Makes every length field say what there is and computes the checksums: for a packet built by hand or whose payload changed its length. The packet ends where the
    /// span does, so link padding has to be cut off first (<see cref="PacketView.PaddingLength"/>). Lengths that do not fit 16 bits become 0, as on offloaded super packets.
    /// </summary>
    /// <returns>False if there is no IP header to fix.</returns>
    public static bool FixLengthsAndChecksums(Span<byte> packet, LinkType linkType)
    {
        var view = PacketView.Parse(packet, linkType, packet.Length);
        bool isFixed = false;
        for (int i = 0; i < view.LayerCount; i++)
        {
            Layer layer = view[i];
            int length = packet.Length - layer.Offset;
            switch (layer.Kind)
            {
                case LayerKind.Ethernet when ReadU16(packet, 12) <= EthernetView.MaximumLengthField:
                    WriteU16(packet, 12, length - EthernetView.Length);
                    break;
                case LayerKind.Ipv4:
                    WriteU16(packet, layer.Offset + 2, length);
                    isFixed = true;
                    break;
                case LayerKind.Ipv6:
                    WriteU16(packet, layer.Offset + 4, length - Ipv6View.FixedLength);
                    isFixed = true;
                    break;
                case LayerKind.Udp when !IsFragmented(view):
                    WriteU16(packet, layer.Offset + 4, length);
                    break;
                default:
                    break;
            }
        }

        if (isFixed)
        {
            FixChecksums(packet, linkType);
        }

        return isFixed;
    }

    private static void Fix(scoped in PacketView view, Span<byte> packet)
    {
        if (!TryFindIp(view, out Layer ip))
        {
            return;
        }

        for (int i = 0; i < view.LayerCount; i++)
        {
            Layer layer = view[i];
            if (layer.Kind == LayerKind.Ipv4)
            {
                Span<byte> header = packet.Slice(layer.Offset, layer.HeaderLength);
                WriteU16(header, 10, InternetChecksum.Finish(SumWithout(header, 10)));
            }
        }

        ChecksumStatus status = CheckTransport(view, ip, out ushort expected);
        if (status is ChecksumStatus.Incorrect or ChecksumStatus.Offloaded)
        {
            WriteU16(packet, view.Innermost.Offset + FieldOffset(view.Innermost.Kind), expected);
        }
    }

    private static ChecksumStatus CheckTransport(scoped in PacketView packet, scoped in Layer ip, out ushort expected)
    {
        expected = 0;
        Layer last = packet.Innermost;
        int field = FieldOffset(last.Kind);
        if (field < 0)
        {
            return ChecksumStatus.None;
        }

        int length = last.HeaderLength + last.PayloadLength;
        ReadOnlySpan<byte> header = packet.HeaderOf(ip);
        ushort stands = ReadU16(packet.Data, last.Offset + field);
        if (last.Kind == LayerKind.Udp && stands == 0 && ip.Kind == LayerKind.Ipv4)
        {
            return ChecksumStatus.Absent;
        }

        if (IsFragmented(packet))
        {
            return ChecksumStatus.Fragment;
        }

        if (packet.Data.Length - last.Offset < length)
        {
            return ChecksumStatus.Truncated;
        }

        ushort pseudo = 0;
        if (last.Kind != LayerKind.Icmp)
        {
            pseudo = PseudoSum(packet, ip, header, last.Kind, length);
        }

        ushort sum = InternetChecksum.Add(pseudo, SumWithout(packet.Data.Slice(last.Offset, length), field));
        expected = InternetChecksum.Finish(sum);
        if (last.Kind == LayerKind.Udp)
        {
            expected = InternetChecksum.ToUdp(expected);
        }

        // A UDP checksum of zero is none, which IPv6 does not allow (RFC 8200, 8.1).
        bool isMissing = last.Kind == LayerKind.Udp && stands == 0;
        if (Covers(sum, stands) && !isMissing)
        {
            return ChecksumStatus.Correct;
        }

        bool isPartial = last.Kind is LayerKind.Tcp or LayerKind.Udp && (stands == pseudo || (stands == 0 && IsSuperPacket(ip, header)));
        return isPartial ? ChecksumStatus.Offloaded : ChecksumStatus.Incorrect;
    }

    // The field lies on an even offset, so both parts are made of whole words but for the last byte.
    private static ushort SumWithout(ReadOnlySpan<byte> data, int field) =>
        InternetChecksum.Add(InternetChecksum.Sum(data[..field]), InternetChecksum.Sum(data[(field + 2)..]));

    // A receiver adds the field in, so either form of zero passes.
    private static bool Covers(ushort sumWithout, ushort field) => InternetChecksum.Add(sumWithout, field) == 0xFFFF;

    private static ushort PseudoSum(scoped in PacketView packet, scoped in Layer ip, ReadOnlySpan<byte> header, LayerKind kind, int length)
    {
        byte protocol = kind switch { LayerKind.Tcp => IpProtocol.Tcp, LayerKind.Udp => IpProtocol.Udp, _ => IpProtocol.Icmpv6 };
        if (ip.Kind == LayerKind.Ipv4)
        {
            return InternetChecksum.PseudoHeaderSum(header.Slice(12, 8), protocol, length);
        }

        ReadOnlySpan<byte> finalDestination = FindFinalDestination(packet);
        if (finalDestination.IsEmpty)
        {
            return InternetChecksum.PseudoHeaderSum(header.Slice(8, 32), protocol, length);
        }

        return InternetChecksum.Add(
            InternetChecksum.PseudoHeaderSum(header.Slice(8, 16), protocol, length), InternetChecksum.Sum(finalDestination));
    }

    /// <summary>The address at the end of a routing header that is still under way (RFC 8200, 8.1); empty where there is none.</summary>
    private static ReadOnlySpan<byte> FindFinalDestination(scoped in PacketView packet)
    {
        byte kind = 0;
        for (int i = 0; i < packet.LayerCount; i++)
        {
            Layer layer = packet[i];
            ReadOnlySpan<byte> header = packet.HeaderOf(layer);
            switch (layer.Kind)
            {
                case LayerKind.Ipv6:
                    kind = header[6];
                    continue;
                case LayerKind.Ipv6Extension when kind == IpProtocol.Ipv6Routing && header[3] > 0 && header.Length >= 24:
                    // Types 0 and 2 list the addresses in order of visit, the segment routing header (RFC 8754) in reverse.
                    int offset = header[2] == 4 ? 8 : header.Length - 16;
                    return header[2] is 0 or 2 or 4 ? header.Slice(offset, 16) : default;
                case LayerKind.Ipv6Extension or LayerKind.Ipv6Fragment:
                    kind = header[0];
                    continue;
                default:
                    continue;
            }
        }

        return default;
    }

    private static bool TryFindIp(scoped in PacketView packet, out Layer ip)
    {
        for (int i = packet.LayerCount - 1; i >= 0; i--)
        {
            ip = packet[i];
            if (ip.Kind is LayerKind.Ipv4 or LayerKind.Ipv6)
            {
                return true;
            }
        }

        ip = default;
        return false;
    }

    internal static bool IsFragmented(scoped in PacketView packet)
    {
        for (int i = 0; i < packet.LayerCount; i++)
        {
            Layer layer = packet[i];
            ReadOnlySpan<byte> header = packet.HeaderOf(layer);
            bool isFragment = layer.Kind switch
            {
                LayerKind.Ipv4 => (ReadU16(header, 6) & 0x3FFF) != 0,
                LayerKind.Ipv6Fragment => (ReadU16(header, 2) & 0xFFF9) != 0,
                _ => false,
            };
            if (isFragment)
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsSuperPacket(scoped in Layer ip, ReadOnlySpan<byte> header) => ReadU16(header, ip.Kind == LayerKind.Ipv4 ? 2 : 4) == 0;

    private static int FieldOffset(LayerKind kind) => kind switch
    {
        LayerKind.Tcp => 16,
        LayerKind.Udp => 6,
        LayerKind.Icmp or LayerKind.Icmpv6 => 2,
        _ => -1,
    };

    private static ushort ReadU16(ReadOnlySpan<byte> data, int offset) => BinaryPrimitives.ReadUInt16BigEndian(data[offset..]);

    private static void WriteU16(Span<byte> data, int offset, int value) =>
        BinaryPrimitives.WriteUInt16BigEndian(data[offset..], value > ushort.MaxValue ? (ushort)0 : (ushort)value);
}
