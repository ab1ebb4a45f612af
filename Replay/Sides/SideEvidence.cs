namespace Interceptor.Replay.Sides;

/// <summary>Why a host is taken for a client or a server; the later, the stronger.</summary>
internal enum SideEvidence : byte
{
    /// <summary>It asked for an address (ARP) or an echo (ICMP).</summary>
    Question,

    /// <summary>It sent the first packet of a conversation, or its port is one of services.</summary>
    FirstPacket,

    /// <summary>It sent the SYN of a handshake.</summary>
    Handshake,
}
