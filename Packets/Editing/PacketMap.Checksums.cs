using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <content>Which checksum covers what, and how they follow changes.</content>
public sealed partial class PacketMap
{
    private const int MostCovers = 64;
    private const byte Dccp = 33;
    private const byte UdpLite = 136;

    private readonly Cover[] _covers = new Cover[MostCovers];
    private readonly Change[] _changes = new Change[(2 * MostFields) + MostCovers];
    private int _coverCount;
    private int _changeCount;

    /// <summary>Changes bytes; the checksums that cover them follow with <see cref="Settle"/>.</summary>
    /// <param name="data">The packet that was read, writable.</param>
    /// <param name="offset">Where.</param>
    /// <param name="value">The new bytes.</param>
    /// <returns>True if they differ from the old ones.</returns>
    public bool Write(Span<byte> data, int offset, scoped ReadOnlySpan<byte> value)
    {
        Span<byte> target = data.Slice(offset, value.Length);
        if (target.SequenceEqual(value))
        {
            return false;
        }

        Note(offset, InternetChecksum.Add(InternetChecksum.Sum(value), (ushort)~InternetChecksum.Sum(target)));
        value.CopyTo(target);
        return true;
    }

    private bool Clear(Span<byte> data, int offset, int length)
    {
        Span<byte> target = data.Slice(offset, length);
        if (target.IndexOfAnyExcept((byte)0) < 0)
        {
            return false;
        }

        Note(offset, (ushort)~InternetChecksum.Sum(target));
        target.Clear();
        return true;
    }

    /// <summary>
    /// Sets everything behind the known headers to zero, padding too. Of a first fragment the checksum is computed for a datagram whose other fragments become zero as
    /// well, where its length is known: not of TCP and ICMPv6 that are fragmented themselves.
    /// </summary>
    /// <returns>True if a byte changed.</returns>
    public bool ClearPayload(Span<byte> data)
    {
        // What is behind the payload is padding, of the link or inside a tunnel, and under other checksums.
        int outerEnd = IpOffset < 0 ? PayloadEnd : Math.Clamp(UpperOffset + UpperLength, PayloadEnd, data.Length);
        _isZeroed = true;
        return Clear(data, PayloadOffset, PayloadEnd - PayloadOffset) | Clear(data, PayloadEnd, outerEnd - PayloadEnd) | Clear(data, outerEnd, data.Length - outerEnd);
    }

    /// <summary>Carries every checksum along with what was written since the packet was read, and an 802.11 frame check sequence.</summary>
    /// <returns>True if a byte changed.</returns>
    public bool Settle(Span<byte> data)
    {
        bool isChanged = false;
        bool hasChanged = _changeCount > 0;
        for (int i = _coverCount - 1; i >= 0 && (_changeCount > 0 || _isZeroed); i--)
        {
            ref Cover cover = ref _covers[i];
            if (cover.IsAbsent)
            {
                continue;
            }

            if (_isZeroed && cover.IsZeroable)
            {
                isChanged |= Put(data, cover.Field, Expected(data, cover with { End = Math.Min(cover.End, data.Length), PseudoLength = cover.NamedLength }));
                continue;
            }

            ushort delta = 0;
            bool isCovered = false;
            foreach (ref Change change in _changes.AsSpan(0, _changeCount))
            {
                if (cover.HasPseudo(change.Offset) || (!cover.IsPartial && cover.Contains(change.Offset)))
                {
                    isCovered = true;
                    delta = InternetChecksum.Add(delta, change.Delta);
                }
            }

            if (isCovered)
            {
                isChanged |= Carry(data, ref cover, (cover.Start & 1) == 0 ? delta : BinaryPrimitives.ReverseEndianness(delta));
            }
        }

        if (hasChanged || isChanged)
        {
            FixFrameCheck(data);
        }

        _changeCount = 0;
        return isChanged;
    }

    /// <summary>
    /// Computes every checksum anew whose whole range is captured, inner ones first: IPv4 headers, TCP, UDP (none stays none over IPv4), ICMP, and what else has
    /// the pseudo header; not those of fragments and of packets that are only quoted.
    /// </summary>
    /// <returns>True if a byte changed.</returns>
    public bool Repair(Span<byte> data)
    {
        bool isChanged = false;
        for (int i = _coverCount - 1; i >= 0; i--)
        {
            ref Cover cover = ref _covers[i];
            bool isNone = cover.IsUdp && cover.AddressLength == 4 && ReadU16(data, cover.Field) == 0 && !cover.HasNoLength;
            if (!cover.IsWhole || cover.IsQuoted || isNone)
            {
                continue;
            }

            ushort expected = Expected(data, cover);
            isChanged |= ReadU16(data, cover.Field) != expected;
            BinaryPrimitives.WriteUInt16BigEndian(data[cover.Field..], expected);
        }

        if (isChanged)
        {
            FixFrameCheck(data);
        }

        return isChanged;
    }

    private void Note(int offset, ushort delta)
    {
        // A change on an odd offset counts in the other byte of each word.
        _changes[_changeCount++] = new Change(offset, (offset & 1) == 0 ? delta : BinaryPrimitives.ReverseEndianness(delta));
    }

    private bool Carry(Span<byte> data, ref Cover cover, ushort delta)
    {
        if (cover.IsMissing)
        {
            // One's complement: it changes by as much as what it covers, the other way, whatever it is.
            Note(cover.Field, (ushort)~delta);
            return false;
        }

        ushort old = ReadU16(data, cover.Field);
        ushort carried = cover.IsPartial ? InternetChecksum.Add(old, delta) : (ushort)~InternetChecksum.Add((ushort)~old, delta);
        carried = cover.IsUdp && !cover.IsPartial ? InternetChecksum.ToUdp(carried) : carried;
        return Put(data, cover.Field, carried);
    }

    private bool Put(Span<byte> data, int field, ushort value)
    {
        ushort old = ReadU16(data, field);
        if (value == old)
        {
            return false;
        }

        BinaryPrimitives.WriteUInt16BigEndian(data[field..], value);
        Note(field, InternetChecksum.Add(value, (ushort)~old));
        return true;
    }

    private void AddHeaderCover(int at, int end, in Part part) =>
        AddCover(new Cover { Start = at, End = end, Field = at + 10, IsWhole = true, IsQuoted = part.IsQuoted });

    private void AddUpperCover(ReadOnlySpan<byte> data, in Part part, in IpPlace ip)
    {
        int at = ip.UpperAt;
        int field = FieldOf(data, ip, out bool hasPseudo);
        if (field < 0 || field + 2 > ip.UpperLength)
        {
            return;
        }

        if (at + field + 1 == part.End)
        {
            // Half a checksum can't follow.
            Block(PacketObstacle.Truncated);
            return;
        }

        int length = ip.UpperLength;
        bool isUdp = ip.Protocol == IpProtocol.Udp;
        int named = (isUdp || ip.Protocol == UdpLite) && at + 6 <= data.Length ? ReadU16(data, at + 4) : 0;
        int covered = named >= 8 && named <= length ? named : length;
        var cover = new Cover
        {
            Start = at,
            End = at + covered,
            Field = at + field,
            Protocol = ip.Protocol,
            PseudoLength = isUdp ? covered : length,
            SourceAt = ip.SourceAt,
            DestinationAt = ip.DestinationAt,
            AddressLength = hasPseudo ? ip.AddressLength : 0,
            IsUdp = isUdp,
            IsQuoted = part.IsQuoted,
            HasNoLength = ip.HasNoLength,
            IsWhole = !ip.IsFragment && !ip.IsClipped && at + covered <= part.End,
            IsMissing = at + field + 2 > part.End,
            NamedLength = isUdp && named >= UdpView.Length ? named : ip.NamedUpperLength,
        };
        cover.IsZeroable = ip.IsFragment && !part.IsQuoted && !cover.IsMissing && cover.End <= part.End
            && ip.Protocol is (IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.Icmp or IpProtocol.Icmpv6) && (isUdp || !hasPseudo || !ip.IsOwnFragment);
        if (cover.IsMissing)
        {
            AddCover(cover);
            return;
        }

        ushort stands = ReadU16(data, cover.Field);
        cover.IsAbsent = stands == 0 && (isUdp || ip.HasNoLength);
        cover.IsPartial = ip.Protocol is IpProtocol.Tcp or IpProtocol.Udp && !part.IsQuoted && stands == PseudoSum(data, cover)
            && !(cover.IsWhole && IsRight(data, cover));
        AddCover(cover);
    }

    private void AddCover(in Cover cover)
    {
        if (_coverCount == MostCovers)
        {
            Block(PacketObstacle.TooComplex);
            return;
        }

        _covers[_coverCount++] = cover;
    }

    /// <summary>Where the checksum of what an IP packet carries stands in it; -1 where it has none that covers an address or a port.</summary>
    private static int FieldOf(ReadOnlySpan<byte> data, in IpPlace ip, out bool hasPseudo)
    {
        const byte Igmp = 2, Ospf = 89, Pim = 103, Vrrp = 112;
        hasPseudo = true;
        bool isIpv6 = ip.Version == 6;
        switch (ip.Protocol)
        {
            case IpProtocol.Tcp:
                return 16;
            case IpProtocol.Udp or Dccp or UdpLite:
                return 6;
            case IpProtocol.Icmpv6 when isIpv6:
                return 2;
            case IpProtocol.Icmp when !isIpv6:
            case Igmp when !isIpv6:
                hasPseudo = false;
                return 2;
            case IpProtocol.Gre when ip.UpperAt < data.Length && (data[ip.UpperAt] & 0x80) != 0:
                hasPseudo = false;
                return 4;
            case Ospf when isIpv6:
                return 12;
            case Pim when isIpv6:
                return 2;
            case Vrrp when ip.UpperAt < data.Length && data[ip.UpperAt] >> 4 == 3:
                return 6;
            default:
                return -1;
        }
    }

    private static ushort Expected(ReadOnlySpan<byte> data, in Cover cover)
    {
        ushort sum = InternetChecksum.Add(
            InternetChecksum.Sum(data[cover.Start..cover.Field]), InternetChecksum.Sum(data[(cover.Field + 2)..cover.End]));
        sum = cover.AddressLength == 0 ? sum : InternetChecksum.Add(sum, PseudoSum(data, cover));
        ushort expected = InternetChecksum.Finish(sum);
        return cover.IsUdp ? InternetChecksum.ToUdp(expected) : expected;
    }

    private static bool IsRight(ReadOnlySpan<byte> data, in Cover cover) => ReadU16(data, cover.Field) == Expected(data, cover);

    private static ushort PseudoSum(ReadOnlySpan<byte> data, in Cover cover) => InternetChecksum.Add(
        InternetChecksum.PseudoHeaderSum(data.Slice(cover.SourceAt, cover.AddressLength), cover.Protocol, cover.PseudoLength),
        InternetChecksum.Sum(data.Slice(cover.DestinationAt, cover.AddressLength)));

    /// <summary>Bytes that changed: where, and by what their sum did, as if they began on an even offset.</summary>
    private readonly record struct Change(int Offset, ushort Delta);

    /// <summary>One checksum.</summary>
    private struct Cover
    {
        internal int Start;
        internal int End;
        internal int Field;
        internal byte Protocol;
        internal int PseudoLength;
        internal int SourceAt;
        internal int DestinationAt;

        // 0 where the pseudo header is not part of it.
        internal int AddressLength;
        internal bool IsUdp;
        internal bool IsQuoted;
        internal bool HasNoLength;

        // All that it covers is captured.
        internal bool IsWhole;

        // Bytes of the whole datagram, for the pseudo header.
        internal int NamedLength;

        // It is in a first fragment, and can be computed for a datagram that is zero behind its headers.
        internal bool IsZeroable;

        // The capture ends before it. Another that covers it follows all the same.
        internal bool IsMissing;

        // It was left out by the sender.
        internal bool IsAbsent;

        // It holds the pseudo header's sum alone, which the device was to complete.
        internal bool IsPartial;

        internal readonly bool Contains(int offset) => offset >= Start && offset < End && offset != Field;

        internal readonly bool HasPseudo(int offset) => AddressLength > 0
            && ((offset >= SourceAt && offset < SourceAt + AddressLength) || (offset >= DestinationAt && offset < DestinationAt + AddressLength));
    }
}
