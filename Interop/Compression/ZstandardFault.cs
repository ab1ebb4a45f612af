namespace Interceptor.Interop;

/// <summary>What a decoder finds wrong: those of <c>zstd_errors.h</c> that a reader can say something about.</summary>
internal enum ZstandardFault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The frame's window is larger than was allowed (<c>ZSTD_error_frameParameter_windowTooLarge</c>).</summary>
    WindowTooLarge,

    /// <summary>What comes is no frame (<c>ZSTD_error_prefix_unknown</c>).</summary>
    NotAFrame,

    /// <summary>Anything else.</summary>
    Damaged,
}
