using System.Buffers.Binary;
using Interceptor.Packets;

namespace Interceptor.Capture.Files;

/// <summary>
/// Writes classic pcap, little-endian, version 2.4. It holds one link type, no interfaces, and instants from 1970 to 2106.
/// The file header is written with the first interface or packet.
/// </summary>
public sealed class PcapWriter : CaptureFileWriter
{
    private const int RecordHeaderLength = 16;
    private const int SnapLengthIfUnlimited = FormatLimits.StandardPacketLength;

    private readonly bool _nanoseconds;

    /// <summary>Writes to a stream.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="nanoseconds">True for nanoseconds; false for microseconds, which cuts finer digits off.</param>
    /// <param name="leaveOpen">True to leave the stream open on disposal.</param>
    public PcapWriter(Stream stream, bool nanoseconds = true, bool leaveOpen = false)
        : this(CaptureFileTarget.ForStream(stream, leaveOpen), nanoseconds)
    {
    }

    internal PcapWriter(CaptureFileTarget target, bool nanoseconds)
        : base(target) => _nanoseconds = nanoseconds;

    /// <summary>The file has its header and packets of the same interfaces already.</summary>
    internal bool IsContinued { get; init; }

    /// <summary>Describes the interface; further ones only add to the same link type. Names are not kept.</summary>
    /// <exception cref="CaptureFileException">It has another link type than the file.</exception>
    public override int AddInterface(CaptureInterface captureInterface)
    {
        ArgumentNullException.ThrowIfNull(captureInterface);
        if (Interfaces.Count == 0 && !IsContinued)
        {
            WriteFileHeader(captureInterface);
        }
        else if (Interfaces.Count > 0 && Interfaces[0].LinkType != captureInterface.LinkType)
        {
            throw new CaptureFileException(Path, -1, CaptureFileFault.Unsupported,
                $"pcap holds one link type, and here {captureInterface.LinkType.GetName()} comes after {Interfaces[0].LinkType.GetName()}; write pcapng instead");
        }

        return RegisterInterface(captureInterface);
    }

    /// <inheritdoc/>
    public override void Write(in CapturedPacket packet)
    {
        InterfaceFor(packet.Metadata);
        (long seconds, long fraction) = Math.DivRem(packet.Metadata.Timestamp.Nanoseconds, CaptureTimestamp.NanosecondsPerSecond);
        if (seconds > uint.MaxValue || packet.Metadata.Timestamp.Nanoseconds < 0)
        {
            throw new CaptureFileException(Path, -1, CaptureFileFault.Unsupported,
                $"pcap holds instants from 1970 to 2106, and a packet has {packet.Metadata.Timestamp}; write pcapng instead");
        }

        ReadOnlySpan<byte> data = packet.Data;
        Span<byte> record = Reserve(RecordHeaderLength + data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)seconds);
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], (uint)(_nanoseconds ? fraction : fraction / 1000));
        BinaryPrimitives.WriteInt32LittleEndian(record[8..], data.Length);
        BinaryPrimitives.WriteInt32LittleEndian(record[12..], Math.Max(packet.Metadata.OriginalLength, data.Length));
        data.CopyTo(record[RecordHeaderLength..]);
        AcceptPacket(RecordHeaderLength + data.Length);
    }

    private protected override void Finish()
    {
        if (Interfaces.Count == 0)
        {
            AddInterface(new CaptureInterface(LinkType.Ethernet, SnapLengthIfUnlimited));
        }
    }

    private void WriteFileHeader(CaptureInterface captureInterface)
    {
        int snapLength = captureInterface.SnapLength == 0 ? SnapLengthIfUnlimited : captureInterface.SnapLength;
        Span<byte> header = Reserve(PcapRecordReader.FileHeaderLength);
        header.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(header, _nanoseconds ? PcapRecordReader.NanosecondMagic : PcapRecordReader.MicrosecondMagic);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], 2);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], 4);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], snapLength);
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], (ushort)captureInterface.LinkType);
        Accept(PcapRecordReader.FileHeaderLength);
    }
}
