namespace Interceptor.Packets;

/// <summary>Why decoding stopped before the innermost layer.</summary>
public enum PacketFault : byte
{
    /// <summary>It did not: all layers that are known were decoded.</summary>
    None,

    /// <summary>The capture ends inside a header (cut by the snap length): not malformed.</summary>
    Truncated,

    /// <summary>A version nibble that does not fit the layer.</summary>
    BadVersion,

    /// <summary>A header length smaller than the fixed header, or longer than what contains it on the wire.</summary>
    BadHeaderLength,

    /// <summary>A total or payload length smaller than the header.</summary>
    BadLength,

    /// <summary>More layers than are kept.</summary>
    TooManyLayers,
}
