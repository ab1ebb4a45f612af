using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>An interface that one can capture on.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What libpcap says of it, or null.</param>
/// <param name="Addresses">Its addresses.</param>
/// <param name="IsUp">It is switched on.</param>
/// <param name="IsRunning">It has a carrier.</param>
/// <param name="IsLoopback">It is the loopback.</param>
/// <param name="LinkType">What its packets begin with; null for libpcap's devices that are no network interfaces, and for rarer kinds.</param>
public sealed record NetworkInterfaceInfo(
    string Name, string? Description, IReadOnlyList<IpAddress> Addresses, bool IsUp, bool IsRunning, bool IsLoopback, LinkType? LinkType);
