namespace Interceptor.Capture.Files;

/// <summary>What decides in which of several files a packet goes.</summary>
public enum SplitKind
{
    /// <summary>So many packets in each.</summary>
    Packets,

    /// <summary>So much time, in nanoseconds, counted from the first packet.</summary>
    Time,

    /// <summary>So many bytes of each file, before compression.</summary>
    Size,

    /// <summary>One file for each connection, and one for all other packets.</summary>
    Connection,

    /// <summary>One file for each interface.</summary>
    Interface,
}
