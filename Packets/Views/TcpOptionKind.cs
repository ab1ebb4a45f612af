namespace Interceptor.Packets;

/// <summary>Option kinds (IANA) that have accessors.</summary>
public enum TcpOptionKind : byte
{
    /// <summary>End of the option list.</summary>
    EndOfList = 0,

    /// <summary>Padding of one byte.</summary>
    NoOperation = 1,

    /// <summary>Maximum segment size, on SYN.</summary>
    MaximumSegmentSize = 2,

    /// <summary>Window scale, on SYN (RFC 7323).</summary>
    WindowScale = 3,

    /// <summary>SACK permitted, on SYN (RFC 2018).</summary>
    SackPermitted = 4,

    /// <summary>Selective acknowledgment blocks (RFC 2018).</summary>
    Sack = 5,

    /// <summary>Timestamps (RFC 7323).</summary>
    Timestamps = 8,

    /// <summary>Multipath TCP (RFC 8684).</summary>
    Multipath = 30,

    /// <summary>Fast Open cookie (RFC 7413).</summary>
    FastOpen = 34,
}
