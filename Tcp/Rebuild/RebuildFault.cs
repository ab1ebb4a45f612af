namespace Interceptor.Tcp.Rebuild;

/// <summary>Why an end can't be rebuilt from a capture.</summary>
public enum RebuildFault
{
    /// <summary>It was.</summary>
    None,

    /// <summary>The capture does not have the connection by that instant.</summary>
    NotFound,

    /// <summary>There is nothing to go on with: it is over, or has not begun.</summary>
    NotOpen,

    /// <summary>What the SYNs said is not known.</summary>
    HandshakeMissing,

    /// <summary>The capture does not have all bytes of a queue.</summary>
    BytesMissing,

    /// <summary>What was given contradicts the capture.</summary>
    Contradicted,
}
