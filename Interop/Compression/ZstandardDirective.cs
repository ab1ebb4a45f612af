namespace Interceptor.Interop;

/// <summary>What the encoder is to do with what it was given: <c>ZSTD_EndDirective</c>.</summary>
internal enum ZstandardDirective
{
    /// <summary>Gather more.</summary>
    Continue = 0,

    /// <summary>Put out all that was given, so that a reader can have it.</summary>
    Flush = 1,

    /// <summary>The same, and end the frame.</summary>
    End = 2,
}
