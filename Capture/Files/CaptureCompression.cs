namespace Interceptor.Capture.Files;

/// <summary>How a capture file is compressed.</summary>
public enum CaptureCompression
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>gzip (RFC 1952), one member or several in a row. What follows them and is no member is damage, but for zeros.</summary>
    Gzip,

    /// <summary>Zstandard (RFC 8878), one frame or several in a row, skippable ones among them. What follows them and is no frame is damage.</summary>
    Zstandard,
}
