namespace Interceptor.Packets;

/// <summary>The control bits of a TCP header (RFC 9293, RFC 3168); the reserved ones are kept too.</summary>
[Flags]
public enum TcpFlags : ushort
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>No more data from sender.</summary>
    Fin = 0x001,

    /// <summary>Synchronize sequence numbers.</summary>
    Syn = 0x002,

    /// <summary>Reset the connection.</summary>
    Rst = 0x004,

    /// <summary>Push function.</summary>
    Psh = 0x008,

    /// <summary>The acknowledgment field is significant.</summary>
    Ack = 0x010,

    /// <summary>The urgent pointer is significant.</summary>
    Urg = 0x020,

    /// <summary>ECN echo.</summary>
    Ece = 0x040,

    /// <summary>Congestion window reduced.</summary>
    Cwr = 0x080,

    /// <summary>Accurate ECN (formerly the nonce sum).</summary>
    Ae = 0x100,

    /// <summary>The three bits that are still reserved.</summary>
    Reserved = 0xE00,
}
