namespace Interceptor.Capture.Files;

/// <summary>How a capture file is compressed.</summary>
public enum CaptureCompression
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>gzip (RFC 1952), one member or several in a row.</summary>
    Gzip,

    /// <summary>Zstandard (RFC 8878), one frame or several in a row, skippable ones among them.</summary>
    Zstandard,
}
