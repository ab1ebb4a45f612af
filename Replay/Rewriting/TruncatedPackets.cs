namespace Interceptor.Replay.Rewriting;

/// <summary>What becomes of packets that the capture holds only in part.</summary>
public enum TruncatedPackets
{
    /// <summary>They stay cut.</summary>
    Keep,

    /// <summary>Zeros stand for what is missing, so that every length is right again; checksums are computed over them.</summary>
    Pad,

    /// <summary>What the capture holds becomes the whole packet: lengths say so, and checksums are computed over it.</summary>
    Shorten,

    /// <summary>They are left out.</summary>
    Drop,
}
