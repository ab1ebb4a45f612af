namespace Interceptor.Packets;

/// <summary>Why <see cref="PacketMap"/> could not find all that an edit may have to change.</summary>
public enum PacketObstacle : byte
{
    /// <summary>It could.</summary>
    None,

    /// <summary>The capture ends before the field.</summary>
    Truncated,

    /// <summary>A header contradicts itself or what is around it.</summary>
    Malformed,

    /// <summary>A link type whose headers are not known here, or that has no such field.</summary>
    LinkType,

    /// <summary>A protocol that may hold addresses that are not known here.</summary>
    UnknownProtocol,

    /// <summary>The field is encrypted.</summary>
    Encrypted,

    /// <summary>The field is under an authentication header (RFC 4302), whose value can't be computed without its key.</summary>
    Authenticated,

    /// <summary>More headers or fields than are followed.</summary>
    TooComplex,
}
