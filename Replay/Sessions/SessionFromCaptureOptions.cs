using Interceptor.Tcp.Rebuild;

namespace Interceptor.Replay;

/// <summary>Which end of a capture's connections becomes a session image.</summary>
public sealed record SessionFromCaptureOptions
{
    /// <summary>The end, and what the packets don't say of it.</summary>
    public required RebuildRequest Request { get; init; }

    /// <summary>The instant as of which it is rebuilt, ns: later packets don't count. Null: that of the last packet.</summary>
    public long? At { get; init; }

    /// <summary><see cref="At"/> counts from the capture's first packet; otherwise from the epoch.</summary>
    public bool IsRelative { get; init; }
}
