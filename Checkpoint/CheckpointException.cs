namespace Interceptor.Checkpoint;

/// <summary>What kind of failure it was, for whoever must choose an exit code or try something else.</summary>
public enum CheckpointFailure
{
    /// <summary>A step failed.</summary>
    Failed,

    /// <summary>The process or the connection is not there.</summary>
    NotFound,

    /// <summary>The connection is there and its state can't be taken or brought back whole; nothing was changed.</summary>
    Refused,

    /// <summary>The session image is missing, damaged, or of another version.</summary>
    BadImage,
}

/// <summary>
/// A checkpoint or a restore failed. The message says what was tried, on what, why it failed, what to do, and what state the connection is in now.
/// </summary>
public sealed class CheckpointException : Exception
{
    /// <summary>A failed step.</summary>
    /// <param name="step">The step's name, as <c>dump</c>.</param>
    /// <param name="problem">What failed, on what, why, and what to do: whole sentences.</param>
    /// <param name="stateLeftBehind">What is left of the connection and of our changes: a whole sentence.</param>
    /// <param name="failure">The kind.</param>
    /// <param name="cause">The failure below, if there is one.</param>
    public CheckpointException(
        string step, string problem, string stateLeftBehind, CheckpointFailure failure = CheckpointFailure.Failed, Exception? cause = null)
        : base(stateLeftBehind.Length == 0 ? $"{step}: {problem}" : $"{step}: {problem} {stateLeftBehind}", cause)
    {
        Step = step;
        StateLeftBehind = stateLeftBehind;
        Failure = failure;
    }

    /// <summary>A failure that another one ends with: the message is taken over, and the state left behind is told anew.</summary>
    /// <param name="problem">What failed, with its step: whole sentences.</param>
    /// <param name="stateLeftBehind">What is left of the connection and of our changes: a whole sentence.</param>
    /// <param name="cause">The failure below.</param>
    public CheckpointException(string problem, string stateLeftBehind, Exception cause)
        : base($"{problem} {stateLeftBehind}", cause)
    {
        Step = (cause as CheckpointException)?.Step ?? "restore";
        StateLeftBehind = stateLeftBehind;
        Failure = (cause as CheckpointException)?.Failure ?? CheckpointFailure.Failed;
    }

    /// <summary>The step that failed.</summary>
    public string Step { get; }

    /// <summary>What is left of the connection and of our changes.</summary>
    public string StateLeftBehind { get; }

    /// <summary>The kind.</summary>
    public CheckpointFailure Failure { get; }

    internal const string NothingChanged = "Nothing was changed.";
}
