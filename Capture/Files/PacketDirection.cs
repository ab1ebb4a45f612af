namespace Interceptor.Capture.Files;

/// <summary>Which way a packet went, seen from the capturing machine (the low two bits of epb_flags).</summary>
public enum PacketDirection
{
    /// <summary>Not recorded.</summary>
    Unknown = 0,

    /// <summary>Received.</summary>
    Inbound = 1,

    /// <summary>Sent.</summary>
    Outbound = 2,
}
