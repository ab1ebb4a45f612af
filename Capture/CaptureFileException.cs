namespace Interceptor.Capture;

/// <summary>What is wrong with a capture file.</summary>
public enum CaptureFileFault
{
    /// <summary>It can't be opened or read: the inner exception says why.</summary>
    Unreadable,

    /// <summary>It is no capture file, or of a kind that is not read here.</summary>
    UnknownFormat,

    /// <summary>It ends inside a header, block or packet.</summary>
    Truncated,

    /// <summary>A field contradicts the format or a limit.</summary>
    Corrupt,

    /// <summary>What was asked for can't be expressed in the format that is written.</summary>
    Unsupported,

    /// <summary>It can't be made or written: the inner exception, if any, says why.</summary>
    Unwritable,
}

/// <summary>A capture file could not be read or written on from here. Everything before <see cref="Offset"/> was delivered.</summary>
public sealed class CaptureFileException : IOException
{
    /// <summary>Builds the message: what, where, why.</summary>
    /// <param name="path">The file as the caller named it.</param>
    /// <param name="offset">Byte offset of the damage in the file (uncompressed), or -1 where it has none.</param>
    /// <param name="fault">The kind.</param>
    /// <param name="reason">Why, as a clause without a full stop.</param>
    /// <param name="inner">The cause, if any.</param>
    public CaptureFileException(string path, long offset, CaptureFileFault fault, string reason, Exception? inner = null)
        : base(offset < 0 ? $"{path}: {reason}." : $"{path}: at byte {offset}: {reason}.", inner)
    {
        Path = path;
        Offset = offset;
        Fault = fault;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Byte offset of the damage, or -1.</summary>
    public long Offset { get; }

    /// <summary>The kind.</summary>
    public CaptureFileFault Fault { get; }
}
