using Interceptor.Packets;

namespace Interceptor.Capture.Files;

/// <summary>
/// Writes pcapng: little-endian, one section (a copy has those of its source), timestamps in nanoseconds (as two's complement before 1970), any number of interfaces and
/// link types. A packet without a timestamp becomes a simple packet block where that can express it, and gets the epoch otherwise.
/// </summary>
public sealed partial class PcapNgWriter : CaptureFileWriter
{
    private const int FixedRoom = 64;
    private const int PacketOptionsRoom = 96;
    private const byte NanosecondResolution = 9;

    private int _sectionStart;

    /// <summary>Writes to a stream.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="section">What the file says of its making; null for this process.</param>
    /// <param name="leaveOpen">True to leave the stream open on disposal.</param>
    public PcapNgWriter(Stream stream, PcapNgSection? section = null, bool leaveOpen = false)
        : this(CaptureFileTarget.ForStream(stream, leaveOpen), section)
    {
    }

    internal PcapNgWriter(CaptureFileTarget target, PcapNgSection? section)
        : base(target) => WriteSection(section ?? PcapNgSection.OfThisProcess);

    /// <summary>A file whose first section header comes with <see cref="CopyBlock"/>.</summary>
    internal PcapNgWriter(CaptureFileTarget target)
        : base(target)
    {
    }

    /// <inheritdoc/>
    public override int AddInterface(CaptureInterface captureInterface)
    {
        ArgumentNullException.ThrowIfNull(captureInterface);
        RequireSection();
        string? filter = captureInterface.Filter is { } expression ? $"\0{expression}" : null;
        int room = FixedRoom + PcapNgBlockBuilder.RoomFor(captureInterface.Name) + PcapNgBlockBuilder.RoomFor(captureInterface.Description)
            + PcapNgBlockBuilder.RoomFor(filter) + PcapNgBlockBuilder.RoomFor(captureInterface.OperatingSystem)
            + PcapNgBlockBuilder.RoomFor(captureInterface.Hardware) + PcapNgBlockBuilder.RoomFor(captureInterface.Comment);
        var block = new PcapNgBlockBuilder(Reserve(room), PcapNgCodes.InterfaceDescription);
        block.UInt16((ushort)captureInterface.LinkType);
        block.UInt16(0);
        block.UInt32((uint)captureInterface.SnapLength);
        block.TextOption(PcapNgCodes.InterfaceName, captureInterface.Name);
        block.TextOption(PcapNgCodes.InterfaceDescriptionText, captureInterface.Description);
        block.ByteOption(PcapNgCodes.TimestampResolution, NanosecondResolution);
        // An octet that says "a libpcap expression", then the expression.
        block.TextOption(PcapNgCodes.InterfaceFilter, filter);
        block.TextOption(PcapNgCodes.InterfaceOs, captureInterface.OperatingSystem);
        block.TextOption(PcapNgCodes.InterfaceHardware, captureInterface.Hardware);
        block.TextOption(PcapNgCodes.Comment, captureInterface.Comment);
        Accept(block.Finish());
        return RegisterInterface(captureInterface);
    }

    /// <inheritdoc/>
    public override void Write(in CapturedPacket packet)
    {
        int id = InterfaceFor(packet.Metadata);
        if (!packet.Metadata.HasTimestamp && id == _sectionStart && IsSimple(packet))
        {
            WriteSimple(packet);
        }
        else
        {
            WriteEnhanced(packet, id, default);
        }
    }

    /// <summary>Writes a packet with what is known of it besides its bytes; the interface is chosen as by <see cref="Write(in CapturedPacket)"/>.</summary>
    public void Write(in CapturedPacket packet, in PcapNgPacketOptions options)
    {
        if (options.IsEmpty)
        {
            Write(packet);
        }
        else
        {
            WriteEnhanced(packet, InterfaceFor(packet.Metadata), options);
        }
    }

    /// <summary>Records the counters of an interface; usually once, at the end of the capture.</summary>
    /// <param name="interfaceId">Its id.</param>
    /// <param name="at">When the counters were read.</param>
    /// <param name="statistics">The counters; those that are null are left out.</param>
    /// <param name="comment">What a person should know of them (opt_comment), or null.</param>
    public void WriteInterfaceStatistics(int interfaceId, CaptureTimestamp at, in InterfaceStatistics statistics, string? comment = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(interfaceId, _sectionStart);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(interfaceId, Interfaces.Count);
        var block = new PcapNgBlockBuilder(Reserve(FixedRoom + (8 * 12) + PcapNgBlockBuilder.RoomFor(comment)), PcapNgCodes.InterfaceStatistics);
        block.UInt32((uint)(interfaceId - _sectionStart));
        block.SplitUInt64((ulong)at.Nanoseconds);
        block.SplitUInt64Option(PcapNgCodes.StatisticsStart, (ulong?)statistics.Start?.Nanoseconds);
        block.SplitUInt64Option(PcapNgCodes.StatisticsEnd, (ulong?)statistics.End?.Nanoseconds);
        block.UInt64Option(PcapNgCodes.StatisticsReceived, statistics.Received);
        block.UInt64Option(PcapNgCodes.StatisticsInterfaceDrop, statistics.DroppedByInterface);
        block.UInt64Option(PcapNgCodes.StatisticsFilterAccept, statistics.AcceptedByFilter);
        block.UInt64Option(PcapNgCodes.StatisticsSystemDrop, statistics.DroppedBySystem);
        block.UInt64Option(PcapNgCodes.StatisticsDelivered, statistics.Delivered);
        block.TextOption(PcapNgCodes.Comment, comment);
        Accept(block.Finish());
    }

    private void WriteSection(PcapNgSection section)
    {
        int room = FixedRoom + PcapNgBlockBuilder.RoomFor(section.Hardware) + PcapNgBlockBuilder.RoomFor(section.OperatingSystem)
            + PcapNgBlockBuilder.RoomFor(section.Application) + PcapNgBlockBuilder.RoomFor(section.Comment);
        var block = new PcapNgBlockBuilder(Reserve(room), PcapNgCodes.SectionHeader);
        block.UInt32(PcapNgCodes.ByteOrderMagic);
        block.UInt16(1);
        block.UInt16(0);
        block.UInt64(ulong.MaxValue);
        block.TextOption(PcapNgCodes.SectionHardware, section.Hardware);
        block.TextOption(PcapNgCodes.SectionOs, section.OperatingSystem);
        block.TextOption(PcapNgCodes.SectionApplication, section.Application);
        block.TextOption(PcapNgCodes.Comment, section.Comment);
        Accept(block.Finish());
        _hasSection = true;
    }

    /// <summary>A simple packet block has no captured length: it must follow from the snap length.</summary>
    private bool IsSimple(in CapturedPacket packet)
    {
        int snapLength = Interfaces[_sectionStart].SnapLength;
        int original = packet.Metadata.OriginalLength;
        return packet.Data.Length == (snapLength == 0 ? original : Math.Min(original, snapLength));
    }

    private void WriteSimple(in CapturedPacket packet)
    {
        var block = new PcapNgBlockBuilder(Reserve(FixedRoom + packet.Data.Length), PcapNgCodes.SimplePacket);
        block.UInt32((uint)packet.Metadata.OriginalLength);
        block.Bytes(packet.Data);
        AcceptPacket(block.Finish());
    }

    private void WriteEnhanced(in CapturedPacket packet, int interfaceId, in PcapNgPacketOptions options)
    {
        int room = FixedRoom + packet.Data.Length + (options.IsEmpty ? 0 : PacketOptionsRoom + PcapNgBlockBuilder.RoomFor(options.Comment) + PcapNgBlockBuilder.RoomFor(options.Hash));
        PcapNgBlockBuilder block = BeginEnhanced(packet, interfaceId, room);
        block.TextOption(PcapNgCodes.Comment, options.Comment);
        block.UInt32Option(PcapNgCodes.PacketFlags, options.Flags);
        block.HashOption(options.Hash);
        block.UInt64Option(PcapNgCodes.PacketDropCount, options.DropCount);
        block.UInt64Option(PcapNgCodes.PacketId, options.PacketId);
        block.UInt32Option(PcapNgCodes.PacketQueue, options.Queue);
        block.VerdictOption(options.Verdict);
        AcceptPacket(block.Finish());
    }

    private PcapNgBlockBuilder BeginEnhanced(in CapturedPacket packet, int interfaceId, int room)
    {
        var block = new PcapNgBlockBuilder(Reserve(room), PcapNgCodes.EnhancedPacket);
        block.UInt32((uint)(interfaceId - _sectionStart));
        block.SplitUInt64((ulong)packet.Metadata.Timestamp.Nanoseconds);
        block.UInt32((uint)packet.Data.Length);
        block.UInt32((uint)Math.Max(packet.Metadata.OriginalLength, packet.Data.Length));
        block.Bytes(packet.Data);
        return block;
    }
}
