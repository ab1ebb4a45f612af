using System.Buffers.Binary;
using Interceptor.Packets;

namespace Interceptor.Capture.Files;

/// <summary>
/// Classic pcap (draft-ietf-opsawg-pcap): 24 bytes of file header, then records of 16 bytes (24 in the Kuznetzov variant) and the packet.
/// Versions 2.0 to 2.2 and DG/UX's 543.0 hold the two lengths the other way round, 2.3 sometimes does (libpcap sf-pcap.c).
/// </summary>
internal sealed class PcapRecordReader : RecordReader
{
    internal const int FileHeaderLength = 24;

    internal const uint MicrosecondMagic = 0xA1B2C3D4;
    internal const uint NanosecondMagic = 0xA1B23C4D;
    private const uint KuznetzovMagic = 0xA1B2CD34;

    private readonly bool _swapped;
    private readonly int _headerLength;
    private readonly uint _nanosecondsPerUnit;
    private readonly int _longestPacket;
    private readonly LinkType _linkType;
    private readonly LengthOrder _lengthOrder;

    internal PcapRecordReader(ReadAheadBuffer buffer, string path)
        : base(buffer, path)
    {
        if (!buffer.TryEnsure(FileHeaderLength))
        {
            ThrowTruncated($"the pcap file header: {buffer.Available} of {FileHeaderLength} bytes are there");
        }

        ReadOnlySpan<byte> header = buffer.Peek(FileHeaderLength);
        _swapped = !IsMagic(BinaryPrimitives.ReadUInt32LittleEndian(header));
        uint magic = ReadUInt32(header);
        ushort major = ReadUInt16(header[4..]);
        ushort minor = ReadUInt16(header[6..]);
        if (major != 2 && (major, minor) != (543, 0))
        {
            ThrowUnsupported($"pcap version {major}.{minor} is not known; 2.0 to 2.4 are");
        }

        uint snapLength = ReadUInt32(header[16..]);
        _linkType = FormatLimits.LinkTypeOf(ReadUInt32(header[20..]));
        _headerLength = magic == KuznetzovMagic ? 24 : 16;
        _nanosecondsPerUnit = magic == NanosecondMagic ? 1u : 1000u;
        _longestPacket = FormatLimits.PacketLength(snapLength);
        _lengthOrder = (major, minor) switch
        {
            (543, _) or (2, < 3) => LengthOrder.OriginalFirst,
            (2, 3) => LengthOrder.Either,
            _ => LengthOrder.CapturedFirst,
        };
        Interfaces.Add(new CaptureInterface(_linkType, FormatLimits.SnapLength(snapLength))
        {
            TimestampResolution = magic == NanosecondMagic ? 1_000_000_000ul : 1_000_000ul,
        });
        Detail = $"{(magic == NanosecondMagic ? "nanoseconds" : "microseconds")}, {(_swapped ? "big" : "little")}-endian, version {major}.{minor}"
            + (magic == KuznetzovMagic ? ", Kuznetzov's record headers" : "");
        buffer.Advance(FileHeaderLength);
    }

    private enum LengthOrder
    {
        CapturedFirst,
        OriginalFirst,
        Either,
    }

    internal override string Detail { get; }

    /// <summary>True if the first four bytes, read in either order, are a pcap magic number.</summary>
    internal static bool IsPcap(uint littleEndian) =>
        IsMagic(littleEndian) || IsMagic(BinaryPrimitives.ReverseEndianness(littleEndian));

    internal override bool TryRead(long number, out CapturedPacket packet)
    {
        packet = default;
        if (!Buffer.TryEnsure(_headerLength))
        {
            if (Buffer.Available != 0)
            {
                ThrowTruncated($"the header of packet {number}: {Buffer.Available} of {_headerLength} bytes are there");
            }

            return false;
        }

        ReadOnlySpan<byte> header = Buffer.Peek(_headerLength);
        uint seconds = ReadUInt32(header);
        uint fraction = ReadUInt32(header[4..]);
        uint captured = ReadUInt32(header[8..]);
        uint original = ReadUInt32(header[12..]);
        if (_lengthOrder == LengthOrder.OriginalFirst || (_lengthOrder == LengthOrder.Either && captured > original))
        {
            (captured, original) = (original, captured);
        }

        if (captured > (uint)_longestPacket)
        {
            ThrowCorrupt($"packet {number} claims {captured} captured bytes, more than the {_longestPacket} that this file may hold");
        }

        int length = (int)captured;
        if (!Buffer.TryEnsure(_headerLength + length))
        {
            ThrowTruncated($"packet {number}: {Buffer.Available - _headerLength} of {length} bytes are there");
        }

        // 2^32 s + 2^32 us is less than 2^63 ns: no saturation is needed.
        long time = (seconds * CaptureTimestamp.NanosecondsPerSecond) + ((long)fraction * _nanosecondsPerUnit);
        packet = new CapturedPacket(Buffer.Peek(_headerLength + length)[_headerLength..], new PacketMetadata
        {
            Timestamp = new CaptureTimestamp(time),
            HasTimestamp = true,
            OriginalLength = FormatLimits.OriginalLength(original, length),
            LinkType = _linkType,
            Number = number,
        });
        Buffer.Advance(_headerLength + length);
        return true;
    }

    private static bool IsMagic(uint value) => value is MicrosecondMagic or NanosecondMagic or KuznetzovMagic;

    private uint ReadUInt32(ReadOnlySpan<byte> bytes)
    {
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        return _swapped ? BinaryPrimitives.ReverseEndianness(value) : value;
    }

    private ushort ReadUInt16(ReadOnlySpan<byte> bytes)
    {
        ushort value = BinaryPrimitives.ReadUInt16LittleEndian(bytes);
        return _swapped ? BinaryPrimitives.ReverseEndianness(value) : value;
    }
}
