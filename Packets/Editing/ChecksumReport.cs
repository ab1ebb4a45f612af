namespace Interceptor.Packets;

/// <summary>The checksums of one packet's innermost IP header and of what that carries.</summary>
public readonly record struct ChecksumReport
{
    /// <summary>The IPv4 header checksum.</summary>
    public ChecksumStatus Ipv4Header { get; init; }

    /// <summary>What the IPv4 header checksum should be, where it was computed.</summary>
    public ushort Ipv4HeaderExpected { get; init; }

    /// <summary>The checksum of TCP, UDP, ICMP or ICMPv6.</summary>
    public ChecksumStatus Transport { get; init; }

    /// <summary>What that checksum should be, where it was computed.</summary>
    public ushort TransportExpected { get; init; }

    /// <summary>True if one of them is wrong.</summary>
    public bool HasIncorrect => Ipv4Header == ChecksumStatus.Incorrect || Transport == ChecksumStatus.Incorrect;
}
