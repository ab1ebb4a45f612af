using Interceptor.Packets;

namespace Interceptor.Checkpoint;

/// <summary>A packet of the connection that was held while it was frozen.</summary>
/// <param name="IsInbound">True if the peer sent it.</param>
/// <param name="Timestamp">When it was held.</param>
/// <param name="ChecksumMissing">True if the TCP checksum is only the pseudo header's sum (the kernel leaves the rest to the network card).</param>
/// <param name="IpPacket">The packet from its IP header on.</param>
public sealed record HeldSessionPacket(bool IsInbound, CaptureTimestamp Timestamp, bool ChecksumMissing, ReadOnlyMemory<byte> IpPacket);
