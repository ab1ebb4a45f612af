using Interceptor.Interop;

namespace Interceptor.Replay;

/// <summary>How a relay came to its end.</summary>
public enum RelayOutcome
{
    /// <summary>Both streams ended (or the one that was to end it).</summary>
    Closed,

    /// <summary>The caller stopped it.</summary>
    Stopped,

    /// <summary>One end broke; the other one, if it is a connection, was set to be reset by its close, as its stream is not whole.</summary>
    Broken,
}

/// <summary>What a relay did.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="FirstToSecondBytes">Bytes handed on from the first end to the second.</param>
/// <param name="SecondToFirstBytes">Bytes handed on from the second end to the first.</param>
/// <param name="Failure">Which end broke and why; null unless one did.</param>
public sealed record RelayResult(RelayOutcome Outcome, long FirstToSecondBytes, long SecondToFirstBytes, LinuxException? Failure);
