namespace Interceptor.Replay.Rewriting;

/// <summary>Why a packet was not edited, or left out.</summary>
public enum RewriteReason
{
    /// <summary>The capture ends before what was to be edited.</summary>
    Truncated,

    /// <summary>A header contradicts itself or what is around it.</summary>
    Malformed,

    /// <summary>Its link type has no such field, or is not known here.</summary>
    LinkType,

    /// <summary>It may hold addresses in a protocol that is not known here.</summary>
    UnknownProtocol,

    /// <summary>What was to be edited is encrypted.</summary>
    Encrypted,

    /// <summary>It is under an authentication header, whose value can't be computed without its key.</summary>
    Authenticated,

    /// <summary>It has more headers or fields than are followed.</summary>
    TooComplex,

    /// <summary>It is longer than the MTU and says "don't fragment".</summary>
    DontFragment,

    /// <summary>It is longer than the MTU and of a kind that can't be cut.</summary>
    NotDivisible,

    /// <summary>It is longer than the MTU and has a wrong checksum, which cutting would hide.</summary>
    WrongChecksum,

    /// <summary>It is not wholly captured, and too long to be made whole.</summary>
    TooLong,
}
