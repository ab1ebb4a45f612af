using System.Buffers.Binary;
using Interceptor.Packets;

namespace Interceptor.Capture.Files;

/// <summary>
/// pcapng (draft-ietf-opsawg-pcapng): sections, each in its own byte order and with its own interfaces. Packet blocks of all three kinds
/// are read, interface statistics add to the interfaces, everything else (names, secrets, custom and unknown blocks) is skipped where nobody sees to it.
/// Interface ids are handed on as the order of the descriptions over all sections.
/// </summary>
internal sealed partial class PcapNgRecordReader(ReadAheadBuffer buffer, string path) : RecordReader(buffer, path)
{
    private const int SectionHeaderLength = PcapNgCodes.BlockOverhead + 16;
    private const int InterfaceHeaderLength = 8;
    private const int PacketHeaderLength = 20;
    private const int StatisticsHeaderLength = 12;

    /// <summary>What an obsolete packet block says where its writer did not count.</summary>
    private const ushort UnknownDrops = 0xFFFF;

    private readonly List<InterfaceState> _states = [];
    private readonly List<PcapNgSection> _described = [];
    private int _sections;
    private int _sectionStart;
    private bool _swapped;
    private int _optionsDistance;
    private int _optionsLength;
    private ushort _dropsOfPacket = UnknownDrops;
    private long _interfaceText;
    private long _sectionText;

    internal override string Detail => $"{(_swapped ? "big" : "little")}-endian, {_sections} {(_sections == 1 ? "section" : "sections")}";

    internal override PcapNgSection Section => _described.Count == 0 ? PcapNgSection.Empty : _described[^1];

    internal override IReadOnlyList<PcapNgSection> Sections => _described;

    internal override bool TryRead(long number, out CapturedPacket packet)
    {
        packet = default;
        _optionsLength = 0;
        _dropsOfPacket = UnknownDrops;
        while (true)
        {
            if (!Buffer.TryEnsure(8))
            {
                if (Buffer.Available != 0)
                {
                    ThrowTruncated("a block header");
                }

                return false;
            }

            uint type = ReadUInt32(Buffer.Peek(8));
            if (type == PcapNgCodes.SectionHeader)
            {
                ReadSection();
                continue;
            }

            int length = BlockLength(type);
            switch (type)
            {
                case PcapNgCodes.EnhancedPacket or PcapNgCodes.ObsoletePacket:
                    ReadPacket(TakeBlock(type, length, PacketHeaderLength), number, type, out packet);
                    return true;
                case PcapNgCodes.SimplePacket:
                    ReadSimplePacket(TakeBlock(type, length, 4), number, out packet);
                    return true;
                case PcapNgCodes.InterfaceDescription:
                    ReadInterface(TakeBlock(type, length, InterfaceHeaderLength));
                    break;
                case PcapNgCodes.InterfaceStatistics:
                    ReadStatistics(TakeBlock(type, length, StatisticsHeaderLength));
                    break;
                case var _ when BlockHandler is not null:
                    Show(type, TakeBlock(type, length, 0));
                    Buffer.Advance(length);
                    break;
                default:
                    SkipBlock(type, length);
                    break;
            }
        }
    }

    private static string Name(uint type) => type switch
    {
        PcapNgCodes.SectionHeader => "a section header",
        PcapNgCodes.InterfaceDescription => "an interface description",
        PcapNgCodes.EnhancedPacket => "an enhanced packet block",
        PcapNgCodes.SimplePacket => "a simple packet block",
        PcapNgCodes.ObsoletePacket => "a packet block",
        PcapNgCodes.InterfaceStatistics => "an interface statistics block",
        _ => $"a block of type 0x{type:x8}",
    };

    /// <summary>The length that the next block claims, checked before anything waits for it.</summary>
    private int BlockLength(uint type)
    {
        uint length = ReadUInt32(Buffer.Peek(8)[4..]);
        if (_sections == 0)
        {
            ThrowCorrupt("the file does not begin with a section header");
        }

        if (length < PcapNgCodes.BlockOverhead || length % 4 != 0)
        {
            ThrowCorrupt($"{Name(type)} claims a length of {length} bytes, which is no multiple of 4 from {PcapNgCodes.BlockOverhead} up");
        }

        if (length > FormatLimits.LargestBlockLength)
        {
            ThrowCorrupt($"{Name(type)} claims {length} bytes, more than the {FormatLimits.LargestBlockLength} that a block may have");
        }

        return (int)length;
    }

    /// <summary>Consumes a whole block and gives its body, which stays valid until the next block is asked for.</summary>
    private ReadOnlySpan<byte> TakeBlock(uint type, int length, int minimumBody)
    {
        if (!Buffer.TryEnsure(length))
        {
            ThrowTruncated($"{Name(type)}: {Buffer.Available} of {length} bytes are there");
        }

        ReadOnlySpan<byte> block = Buffer.Peek(length);
        if (length < minimumBody + PcapNgCodes.BlockOverhead)
        {
            ThrowCorrupt($"{Name(type)} of {length} bytes has no room for its fields");
        }

        CheckTrailer(type, length, ReadUInt32(block[^4..]));
        return block[8..^4];
    }

    private void Show(uint type, ReadOnlySpan<byte> body, int interfaceId = -1) =>
        BlockHandler?.Invoke(new PcapNgBlock(type, body, _swapped, interfaceId < 0 ? default : _states[interfaceId].Scale, interfaceId));

    private void SkipBlock(uint type, int length)
    {
        if (!Buffer.TrySkip(length - 4L) || !Buffer.TryEnsure(4))
        {
            ThrowTruncated($"{Name(type)} of {length} bytes");
        }

        CheckTrailer(type, length, ReadUInt32(Buffer.Peek(4)));
        Buffer.Advance(4);
    }

    private void CheckTrailer(uint type, int length, uint trailer)
    {
        if (trailer != (uint)length)
        {
            ThrowCorrupt($"{Name(type)} claims {length} bytes at its start and {trailer} at its end");
        }
    }

    private void ReadSection()
    {
        if (!Buffer.TryEnsure(SectionHeaderLength))
        {
            ThrowTruncated("a section header");
        }

        uint magic = BinaryPrimitives.ReadUInt32LittleEndian(Buffer.Peek(12)[8..]);
        if (magic != PcapNgCodes.ByteOrderMagic && BinaryPrimitives.ReverseEndianness(magic) != PcapNgCodes.ByteOrderMagic)
        {
            ThrowCorrupt($"a section header has the byte-order magic 0x{magic:x8}, which is none");
        }

        _swapped = magic != PcapNgCodes.ByteOrderMagic;
        _sections++;
        int length = BlockLength(PcapNgCodes.SectionHeader);
        ReadOnlySpan<byte> body = TakeBlock(PcapNgCodes.SectionHeader, length, SectionHeaderLength - PcapNgCodes.BlockOverhead);
        ushort major = ReadUInt16(body[4..]);
        ushort minor = ReadUInt16(body[6..]);
        if (major != 1 || minor is not (0 or 2))
        {
            ThrowUnsupported($"pcapng version {major}.{minor} is not known; 1.0 and 1.2 are");
        }

        Describe(ReadSectionOptions(body[16..]));
        _sectionStart = _states.Count;
        Show(PcapNgCodes.SectionHeader, body);
        Buffer.Advance(length);
    }

    /// <summary>Remembers a section; of more than the limit, or of too much text, only the latest is known besides the first ones.</summary>
    private void Describe(PcapNgSection section)
    {
        long text = section.TextLength;
        if (_described.Count > 0 && (_described.Count == FormatLimits.MostSections || _sectionText + text > FormatLimits.MostSectionText))
        {
            _described[^1] = section;
            return;
        }

        _sectionText += text;
        _described.Add(section);
    }

    private void ReadInterface(ReadOnlySpan<byte> body)
    {
        if (_states.Count >= FormatLimits.MostInterfaces)
        {
            ThrowCorrupt($"the file describes more than {FormatLimits.MostInterfaces} interfaces");
        }

        var linkType = (LinkType)ReadUInt16(body);
        uint snapLength = ReadUInt32(body[4..]);
        byte resolution = 6;
        ulong offset = 0;
        var described = new CaptureInterface(linkType, FormatLimits.SnapLength(snapLength));
        var reader = new PcapNgOptionReader(body[InterfaceHeaderLength..], _swapped);
        while (reader.MoveNext())
        {
            switch (reader.Code)
            {
                case PcapNgCodes.TimestampResolution when reader.Value.Length == 1:
                    resolution = reader.Value[0];
                    break;
                case PcapNgCodes.TimestampOffset:
                    offset = reader.UInt64() ?? 0;
                    break;
                default:
                    described = WithText(described, reader);
                    break;
            }
        }

        if (_interfaceText > FormatLimits.MostInterfaceText)
        {
            ThrowCorrupt($"the names, descriptions and comments of the file's interfaces are longer than {FormatLimits.MostInterfaceText} characters");
        }

        var scale = new TimestampScale(resolution, unchecked((long)offset));
        _states.Add(new InterfaceState(linkType, snapLength, FormatLimits.PacketLength(snapLength), scale));
        Interfaces.Add(described with { TimestampResolution = scale.UnitsPerSecond });
        Show(PcapNgCodes.InterfaceDescription, body, _states.Count - 1);
        Buffer.Advance(body.Length + PcapNgCodes.BlockOverhead);
    }

    private void ReadStatistics(ReadOnlySpan<byte> body)
    {
        long id = _sectionStart + (long)ReadUInt32(body);
        if (id >= Interfaces.Count)
        {
            Buffer.Advance(body.Length + PcapNgCodes.BlockOverhead);
            return;
        }

        CaptureInterface counted = Interfaces[(int)id];
        TimestampScale scale = _states[(int)id].Scale;
        InterfaceStatistics statistics = counted.Statistics;
        var reader = new PcapNgOptionReader(body[StatisticsHeaderLength..], _swapped);
        while (reader.MoveNext())
        {
            statistics = reader.Code switch
            {
                PcapNgCodes.StatisticsStart => statistics with { Start = InstantOf(reader, scale) },
                PcapNgCodes.StatisticsEnd => statistics with { End = InstantOf(reader, scale) },
                PcapNgCodes.StatisticsReceived => statistics with { Received = reader.UInt64() },
                PcapNgCodes.StatisticsInterfaceDrop => statistics with { DroppedByInterface = reader.UInt64() },
                PcapNgCodes.StatisticsFilterAccept => statistics with { AcceptedByFilter = reader.UInt64() },
                PcapNgCodes.StatisticsSystemDrop => statistics with { DroppedBySystem = reader.UInt64() },
                PcapNgCodes.StatisticsDelivered => statistics with { Delivered = reader.UInt64() },
                _ => statistics,
            };
        }

        Interfaces[(int)id] = counted with { Statistics = statistics, Dropped = statistics.Dropped ?? counted.Dropped };
        Show(PcapNgCodes.InterfaceStatistics, body, (int)id);

        Buffer.Advance(body.Length + PcapNgCodes.BlockOverhead);
    }

    private void ReadPacket(ReadOnlySpan<byte> body, long number, uint type, out CapturedPacket packet)
    {
        // The obsolete block has a number of 16 bits, and then what was dropped before it.
        bool isObsolete = type == PcapNgCodes.ObsoletePacket;
        uint localId = isObsolete ? ReadUInt16(body) : ReadUInt32(body);
        int id = InterfaceOf(localId, number);
        InterfaceState state = _states[id];
        ulong counter = ((ulong)ReadUInt32(body[4..]) << 32) | ReadUInt32(body[8..]);
        uint captured = ReadUInt32(body[12..]);
        int length = CheckedPacketLength(captured, state, body.Length - PacketHeaderLength, number);
        packet = new CapturedPacket(body.Slice(PacketHeaderLength, length), new PacketMetadata
        {
            Timestamp = state.Scale.ToTimestamp(counter),
            HasTimestamp = true,
            OriginalLength = FormatLimits.OriginalLength(ReadUInt32(body[16..]), length),
            LinkType = state.LinkType,
            InterfaceId = id,
            Number = number,
        });
        int optionsStart = Math.Min(PacketHeaderLength + PcapNgCodes.Padded(length), body.Length);
        _optionsLength = body.Length - optionsStart;
        _optionsDistance = _optionsLength + 4;
        _dropsOfPacket = isObsolete ? ReadUInt16(body[2..]) : UnknownDrops;
        Buffer.Advance(body.Length + PcapNgCodes.BlockOverhead);
    }

    private void ReadSimplePacket(ReadOnlySpan<byte> body, long number, out CapturedPacket packet)
    {
        int id = InterfaceOf(0, number);
        InterfaceState state = _states[id];
        uint original = ReadUInt32(body);
        uint captured = state.SnapLength == 0 ? original : Math.Min(original, state.SnapLength);
        int length = CheckedPacketLength(captured, state, body.Length - 4, number);
        packet = new CapturedPacket(body.Slice(4, length), new PacketMetadata
        {
            OriginalLength = FormatLimits.OriginalLength(original, length),
            LinkType = state.LinkType,
            InterfaceId = id,
            Number = number,
        });
        Buffer.Advance(body.Length + PcapNgCodes.BlockOverhead);
    }

    private int InterfaceOf(uint localId, long number)
    {
        int known = _states.Count - _sectionStart;
        if (localId >= (uint)known)
        {
            ThrowCorrupt($"packet {number} is of interface {localId}, and its section describes {known}");
        }

        return _sectionStart + (int)localId;
    }

    private int CheckedPacketLength(uint captured, in InterfaceState state, int room, long number)
    {
        if (captured > (uint)room)
        {
            ThrowCorrupt($"packet {number} claims {captured} captured bytes, and its block has room for {room}");
        }

        if (captured > (uint)state.LongestPacket)
        {
            ThrowCorrupt($"packet {number} claims {captured} captured bytes, more than the {state.LongestPacket} that its interface may have");
        }

        return (int)captured;
    }

    private ushort ReadUInt16(ReadOnlySpan<byte> bytes)
    {
        ushort value = BinaryPrimitives.ReadUInt16LittleEndian(bytes);
        return _swapped ? BinaryPrimitives.ReverseEndianness(value) : value;
    }

    private uint ReadUInt32(ReadOnlySpan<byte> bytes)
    {
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        return _swapped ? BinaryPrimitives.ReverseEndianness(value) : value;
    }

    private ulong ReadUInt64(ReadOnlySpan<byte> bytes)
    {
        ulong value = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        return _swapped ? BinaryPrimitives.ReverseEndianness(value) : value;
    }

    private readonly record struct InterfaceState(LinkType LinkType, uint SnapLength, int LongestPacket, TimestampScale Scale);
}
