namespace Interceptor.Capture.Files;

/// <summary>Numbers of pcapng (draft-ietf-opsawg-pcapng): block types and option codes.</summary>
internal static class PcapNgCodes
{
    internal const uint SectionHeader = 0x0A0D0D0A;
    internal const uint ByteOrderMagic = 0x1A2B3C4D;
    internal const uint InterfaceDescription = 1;
    internal const uint ObsoletePacket = 2;
    internal const uint SimplePacket = 3;
    internal const uint NameResolution = 4;
    internal const uint InterfaceStatistics = 5;
    internal const uint EnhancedPacket = 6;
    internal const uint JournalExport = 9;
    internal const uint DecryptionSecrets = 10;

    /// <summary>A custom block that may be copied; its twin 0x40000BAD may not.</summary>
    internal const uint CopyableCustom = 0xBAD;

    /// <summary>Bytes of type, length, and the length again at the end.</summary>
    internal const int BlockOverhead = 12;

    internal const ushort EndOfOptions = 0;
    internal const ushort Comment = 1;

    internal const ushort SectionHardware = 2;
    internal const ushort SectionOs = 3;
    internal const ushort SectionApplication = 4;

    internal const ushort InterfaceName = 2;
    internal const ushort InterfaceDescriptionText = 3;
    internal const ushort InterfaceIpv4Address = 4;
    internal const ushort InterfaceEuiAddress = 7;
    internal const ushort InterfaceSpeed = 8;
    internal const ushort TimestampResolution = 9;
    internal const ushort InterfaceTimeZone = 10;
    internal const ushort InterfaceFilter = 11;
    internal const ushort InterfaceOs = 12;
    internal const ushort TimestampOffset = 14;
    internal const ushort InterfaceHardware = 15;
    internal const ushort InterfaceSendSpeed = 16;
    internal const ushort InterfaceReceiveSpeed = 17;

    internal const ushort PacketFlags = 2;
    internal const ushort PacketHash = 3;
    internal const ushort PacketDropCount = 4;
    internal const ushort PacketId = 5;
    internal const ushort PacketQueue = 6;
    internal const ushort PacketVerdict = 7;
    internal const ushort PacketProcess = 8;

    internal const ushort StatisticsStart = 2;
    internal const ushort StatisticsEnd = 3;
    internal const ushort StatisticsReceived = 4;
    internal const ushort StatisticsInterfaceDrop = 5;
    internal const ushort StatisticsFilterAccept = 6;
    internal const ushort StatisticsSystemDrop = 7;
    internal const ushort StatisticsDelivered = 8;

    /// <summary>The length rounded up to the 32-bit boundary that everything in pcapng is padded to.</summary>
    internal static int Padded(int length) => (length + 3) & ~3;
}
