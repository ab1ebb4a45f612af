namespace Interceptor.Replay.Stateful;

/// <summary>In what a replayed connection was not the captured one.</summary>
public enum DivergenceKind
{
    /// <summary>Bytes were other ones.</summary>
    Changed,

    /// <summary>Bytes were put in.</summary>
    Inserted,

    /// <summary>Bytes were left out.</summary>
    Missing,

    /// <summary>Bytes came behind the last one that the capture has.</summary>
    Extra,

    /// <summary>The peer closed before it had sent everything.</summary>
    Closed,

    /// <summary>The peer reset the connection, and had not in the capture, or not yet.</summary>
    Reset,

    /// <summary>The peer sent nothing for longer than it was waited for.</summary>
    Timeout,

    /// <summary>The peer did not close, and had in the capture.</summary>
    NotClosed,

    /// <summary>The connection was refused or could not be opened.</summary>
    Refused,

    /// <summary>A client came for which the capture has no connection any more.</summary>
    Unexpected,

    /// <summary>A connection of the capture that no client asked for.</summary>
    NotAsked,
}
