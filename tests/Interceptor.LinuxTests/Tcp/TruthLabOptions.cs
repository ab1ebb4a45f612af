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

    /// <summary>Where both hosts' recordings are written whole, as client.pcapng and server.pcapng. Null: headers only, and nowhere.</summary>
    internal string? RecordDirectory { get; init; }

    /// <summary>Settings of both hosts under /proc/sys/net/ipv4, as <c>tcp_sack</c>.</summary>
    internal IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Both ends connect, and the lab begins with both SYNs held on the router. Otherwise it begins with the connection established.</summary>
    internal bool IsSimultaneous { get; init; }
}
