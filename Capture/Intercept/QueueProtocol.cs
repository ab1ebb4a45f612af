namespace Interceptor.Capture.Intercept;

/// <summary>Numbers of nfnetlink_queue (linux/netfilter/nfnetlink_queue.h); native names in our casing.</summary>
internal static class QueueProtocol
{
    internal const ushort PacketMessage = 3 << 8;
    internal const ushort VerdictMessage = (3 << 8) | 1;
    internal const ushort ConfigMessage = (3 << 8) | 2;
    internal const ushort VerdictBatchMessage = (3 << 8) | 3;

    internal const ushort ConfigCommand = 1;
    internal const ushort ConfigParams = 2;
    internal const ushort ConfigQueueMaxLength = 3;
    internal const ushort ConfigMask = 4;
    internal const ushort ConfigFlags = 5;
    internal const byte CommandBind = 1;
    internal const byte CopyPacket = 2;

    internal const ushort PacketHeader = 1;
    internal const ushort VerdictHeader = 2;
    internal const ushort Mark = 3;
    internal const ushort Timestamp = 4;
    internal const ushort InDevice = 5;
    internal const ushort OutDevice = 6;
    internal const ushort PhysicalInDevice = 7;
    internal const ushort PhysicalOutDevice = 8;
    internal const ushort HardwareAddress = 9;
    internal const ushort Payload = 10;
    internal const ushort Conntrack = 11;
    internal const ushort ConntrackInfo = 12;
    internal const ushort CapLength = 13;
    internal const ushort SkbInfo = 14;
    internal const ushort Uid = 16;
    internal const ushort Gid = 17;
    internal const ushort Vlan = 19;
    internal const ushort Priority = 21;

    /// <summary>Within <see cref="Vlan"/>.</summary>
    internal const ushort VlanProtocol = 1;
    internal const ushort VlanTag = 2;

    /// <summary>Within <see cref="Conntrack"/> (linux/netfilter/nfnetlink_conntrack.h, CTA_MARK).</summary>
    internal const ushort ConntrackMark = 8;

    internal const uint Drop = 0;
    internal const uint Accept = 1;

    internal const uint SkbChecksumNotReady = 1;
    internal const uint SkbGso = 2;

    /// <summary>The largest copy range: a netlink attribute's 16-bit length less its header.</summary>
    internal const int MaxCopyRange = 65531;
}
