using System.Buffers.Binary;

namespace Interceptor.Capture.Files;

/// <summary>
/// Turns blocks and options of any section into little-endian ones with nanoseconds. What numbers an option holds follows from the block and its code
/// (draft-ietf-opsawg-pcapng, sections 3.5 and 4); what is unknown is taken as bytes. Custom options that say "do not copy" are left out.
/// </summary>
internal static class PcapNgBlockCopy
{
    private const ushort CustomText = 2988;
    private const ushort CustomBytes = 2989;
    private const ushort PrivateCustomText = 19372;
    private const ushort PrivateCustomBytes = 19373;

    /// <summary>What the bytes of an option's value are.</summary>
    private enum Shape
    {
        Bytes,
        Number,
        TwoNumbers,
        Time,
        Verdict,
        Custom,
        Omitted,
    }

    /// <summary>Most bytes that a copy of a body takes as a block: options may be written without their end in the source.</summary>
    internal static int RoomFor(int bodyLength) => bodyLength + 64;

    /// <summary>Adds the options of a list to a block.</summary>
    internal static void Options(
        ref PcapNgBlockBuilder block, uint type, ReadOnlySpan<byte> options, bool swapped, in TimestampScale scale, PcapNgOptionScope scope = PcapNgOptionScope.All)
    {
        var reader = new PcapNgOptionReader(options, swapped);
        while (reader.MoveNext())
        {
            Shape shape = IsWithin(scope, type, reader.Code) ? ShapeOf(type, reader.Code, reader.Value.Length) : Shape.Omitted;
            if (shape == Shape.Time)
            {
                block.SplitUInt64Option(reader.Code, (ulong)scale.ToTimestamp(reader.SplitTime()!.Value).Nanoseconds);
            }
            else if (shape != Shape.Omitted)
            {
                Reverse(block.RawOption(reader.Code, reader.Value), swapped ? shape : Shape.Bytes);
            }
        }
    }

    /// <summary>Adds the records of a name resolution block, which are laid out as options are, and then its options.</summary>
    internal static void Names(ref PcapNgBlockBuilder block, ReadOnlySpan<byte> body, bool swapped)
    {
        var reader = new PcapNgOptionReader(body, swapped);
        while (reader.MoveNext())
        {
            block.RawOption(reader.Code, reader.Value);
        }

        block.UInt32(PcapNgCodes.EndOfOptions);
        block.BeginOptions();
        Options(ref block, PcapNgCodes.NameResolution, reader.AfterEnd, swapped, default);
    }

    private static bool IsWithin(PcapNgOptionScope scope, uint type, ushort code) => scope switch
    {
        PcapNgOptionScope.OfChanged => code != PcapNgCodes.PacketHash,
        PcapNgOptionScope.OfPiece => code == PcapNgCodes.PacketFlags,
        PcapNgOptionScope.WithoutAddresses => type != PcapNgCodes.InterfaceDescription
            || code is not ((>= PcapNgCodes.InterfaceIpv4Address and <= PcapNgCodes.InterfaceEuiAddress) or PcapNgCodes.InterfaceFilter),
        _ => true,
    };

    private static Shape ShapeOf(uint type, ushort code, int length) => (type, code) switch
    {
        (_, CustomText or CustomBytes) when length >= 4 => Shape.Custom,
        (_, PrivateCustomText or PrivateCustomBytes) => Shape.Omitted,
        (PcapNgCodes.InterfaceDescription, PcapNgCodes.TimestampResolution or PcapNgCodes.TimestampOffset) => Shape.Omitted,
        (PcapNgCodes.InterfaceDescription, PcapNgCodes.InterfaceSpeed or PcapNgCodes.InterfaceTimeZone
            or PcapNgCodes.InterfaceSendSpeed or PcapNgCodes.InterfaceReceiveSpeed) => Shape.Number,
        (PcapNgCodes.EnhancedPacket, PcapNgCodes.PacketFlags or PcapNgCodes.PacketDropCount or PcapNgCodes.PacketId or PcapNgCodes.PacketQueue) => Shape.Number,
        (PcapNgCodes.EnhancedPacket, PcapNgCodes.PacketProcess) when length == 8 => Shape.TwoNumbers,
        (PcapNgCodes.EnhancedPacket, PcapNgCodes.PacketVerdict) when length == 9 => Shape.Verdict,
        (PcapNgCodes.InterfaceStatistics, PcapNgCodes.StatisticsStart or PcapNgCodes.StatisticsEnd) => length == 8 ? Shape.Time : Shape.Omitted,
        (PcapNgCodes.InterfaceStatistics, >= PcapNgCodes.StatisticsReceived and <= PcapNgCodes.StatisticsDelivered) => Shape.Number,
        _ => Shape.Bytes,
    };

    private static void Reverse(Span<byte> value, Shape shape)
    {
        switch (shape)
        {
            case Shape.Number:
                value.Reverse();
                break;
            case Shape.TwoNumbers:
                value[..4].Reverse();
                value[4..].Reverse();
                break;
            case Shape.Verdict:
                value[1..].Reverse();
                break;
            case Shape.Custom:
                value[..4].Reverse();
                break;
            default:
                break;
        }
    }

    /// <summary>A number in the byte order of a section.</summary>
    internal static uint UInt32(ReadOnlySpan<byte> bytes, bool bigEndian) =>
        bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
}
