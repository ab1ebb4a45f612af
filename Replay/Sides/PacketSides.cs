using Interceptor.Capture;
using Interceptor.Packets;

namespace Interceptor.Replay.Sides;

/// <summary>
/// How a packet carries its side from where it is read to where it is sent: as the interface it came on. It was decided on the packet as it was captured,
/// and edits on the way change addresses and ports.
/// </summary>
internal static class PacketSides
{
    private const int ClientId = 0;
    private const int ServerId = 1;
    private const int UnknownId = 2;

    /// <summary>The other side; nothing for nothing.</summary>
    internal static PacketSide Opposite(this PacketSide side) => side switch
    {
        PacketSide.Client => PacketSide.Server,
        PacketSide.Server => PacketSide.Client,
        _ => PacketSide.Unknown,
    };

    /// <summary>The packet, marked.</summary>
    internal static CapturedPacket Mark(scoped in CapturedPacket packet, PacketSide side) => new(packet.Data, packet.Metadata with
    {
        InterfaceId = side switch { PacketSide.Client => ClientId, PacketSide.Server => ServerId, _ => UnknownId },
    });

    /// <summary>What <see cref="Mark"/> set.</summary>
    internal static PacketSide MarkOf(in PacketMetadata metadata) => metadata.InterfaceId switch
    {
        ClientId => PacketSide.Client,
        ServerId => PacketSide.Server,
        _ => PacketSide.Unknown,
    };

    /// <summary>What the marks name; the link type of each packet says what it is.</summary>
    internal static IReadOnlyList<CaptureInterface> Interfaces { get; } =
        [new(LinkType.Ethernet, 0, "client"), new(LinkType.Ethernet, 0, "server"), new(LinkType.Ethernet, 0, "unknown")];
}
