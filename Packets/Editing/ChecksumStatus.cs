namespace Interceptor.Packets;

/// <summary>What is known of one checksum.</summary>
public enum ChecksumStatus : byte
{
    /// <summary>There is no such header in the packet.</summary>
    None,

    /// <summary>It is right.</summary>
    Correct,

    /// <summary>It is wrong.</summary>
    Incorrect,

    /// <summary>UDP over IPv4 sent without one.</summary>
    Absent,

    /// <summary>Not checkable: the capture does not hold all that it covers.</summary>
    Truncated,

    /// <summary>Not checkable: it covers a datagram of which this is a fragment.</summary>
    Fragment,

    /// <summary>
    /// Not checkable: it holds the pseudo header's sum alone, as the sending kernel leaves it for the device to complete (CHECKSUM_PARTIAL),
    /// or it is zero in a segmentation-offload super packet.
    /// </summary>
    Offloaded,
}
