using System.Net.Sockets;
using Interceptor.Capture.Intercept;

namespace Interceptor.LinuxTests.Tcp;

/// <summary>What network a <see cref="TruthLab"/> has, and how its connection begins.</summary>
internal sealed record TruthLabOptions
{
    internal AddressFamily Family { get; init; } = AddressFamily.InterNetwork;

    /// <summary>What the router does to each segment. Null: nothing.</summary>
    internal ImpairmentOptions? Impairments { get; init; }

    /// <summary>Without segmentation offload at the hosts: a packet is a segment of the kernel's counters.</summary>
    internal bool OneSegmentPerPacket { get; init; }

    /// <summary>Both ends connect, and the lab begins with both SYNs held on the router. Otherwise it begins with the connection established.</summary>
    internal bool IsSimultaneous { get; init; }
}
