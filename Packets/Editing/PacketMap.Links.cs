using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <content>Link headers, and those that the decoder does not have.</content>
public sealed partial class PacketMap
{
    private const LinkType Fddi = (LinkType)10;
    private const LinkType CiscoHdlc = (LinkType)104;
    private const LinkType Ieee80211 = (LinkType)105;
    private const LinkType Radiotap = (LinkType)127;
    private const int FrameCheckLength = 4;

    // Where an 802.11 frame that has its frame check sequence has it; -1 where there is none.
    private int _frameCheckAt;

    private static bool IsKnown(LinkType linkType) => linkType is LinkType.Ethernet or LinkType.LinuxCooked or LinkType.LinuxCooked2 or LinkType.Null or LinkType.Loop
        or LinkType.Raw or LinkType.RawBsd or LinkType.RawOpenBsd or LinkType.Ipv4 or LinkType.Ipv6 or Fddi or CiscoHdlc or Ieee80211 or Radiotap;

    /// <summary>A link header before which the decoder stops.</summary>
    private void ReadForeignLink(ReadOnlySpan<byte> data, in Part part)
    {
        switch (part.LinkType)
        {
            case Fddi:
                Add(data, PacketFieldKind.DestinationMac, part.Start + 1, MacAddress.Length, part.IsOutermost);
                Add(data, PacketFieldKind.SourceMac, part.Start + 7, MacAddress.Length, part.IsOutermost);
                break;
            case Ieee80211:
                ReadWireless(data, part.Start);
                break;
            case Radiotap when part.Start + 4 <= data.Length:
                ReadWireless(data, part.Start + BinaryPrimitives.ReadUInt16LittleEndian(data[(part.Start + 2)..]));
                break;
            case Radiotap:
                Block(PacketObstacle.Truncated);
                break;
            default:
                break;
        }
    }

    /// <summary>
    /// Three addresses, and a fourth between access points (IEEE 802.11, 9.3.2). Only data frames: what the others hold is not known here.
    /// </summary>
    private void ReadWireless(ReadOnlySpan<byte> data, int at)
    {
        if (at + 24 > data.Length)
        {
            Block(PacketObstacle.Truncated);
            return;
        }

        bool isData = (data[at] & 0x0C) == 0x08;
        bool isProtected = (data[at + 1] & 0x40) != 0;
        if (!isData || isProtected)
        {
            Block(isData ? PacketObstacle.Encrypted : PacketObstacle.UnknownProtocol);
        }

        Add(data, PacketFieldKind.OtherMac, at + 4, MacAddress.Length);
        Add(data, PacketFieldKind.OtherMac, at + 10, MacAddress.Length);
        Add(data, PacketFieldKind.OtherMac, at + 16, MacAddress.Length);
        if ((data[at + 1] & 3) == 3)
        {
            Add(data, PacketFieldKind.OtherMac, at + 24, MacAddress.Length);
        }
    }

    /// <summary>Some captures of 802.11 have the frame check sequence and some do not; it is there where it fits.</summary>
    private static int FindFrameCheck(ReadOnlySpan<byte> data, LinkType linkType, int originalLength)
    {
        if (linkType is not (Ieee80211 or Radiotap) || data.Length < originalLength)
        {
            return -1;
        }

        int start = FrameStart(data, linkType);
        int at = data.Length - FrameCheckLength;
        return at > start && FrameCheckSequence.Compute(data[start..at]) == BinaryPrimitives.ReadUInt32LittleEndian(data[at..]) ? at : -1;
    }

    private static int FrameStart(ReadOnlySpan<byte> data, LinkType linkType) =>
        linkType == Radiotap && data.Length >= 4 ? BinaryPrimitives.ReadUInt16LittleEndian(data[2..]) : 0;

    private void FixFrameCheck(Span<byte> data)
    {
        if (_frameCheckAt >= 0)
        {
            int start = FrameStart(data, _linkType);
            BinaryPrimitives.WriteUInt32LittleEndian(data[_frameCheckAt..], FrameCheckSequence.Compute(data[start.._frameCheckAt]));
        }
    }
}
