namespace Interceptor.Packets;

/// <summary>Why <see cref="PacketCutter"/> can't cut a packet.</summary>
public enum CutObstacle : byte
{
    /// <summary>It can.</summary>
    None,

    /// <summary>There is no IP header, or none behind the link header.</summary>
    NoIp,

    /// <summary>The capture does not hold all of it.</summary>
    Truncated,

    /// <summary>IPv4 that says "don't fragment".</summary>
    DontFragment,

    /// <summary>IPv6 that is no TCP, or TCP with SYN, RST or urgent data.</summary>
    NotDivisible,

    /// <summary>A checksum of it is wrong, and those of the pieces would not be.</summary>
    WrongChecksum,
}
