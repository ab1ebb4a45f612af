namespace Interceptor.Replay;

/// <summary>One line of the table of a checkpoint or of a move: what is done, what undoes it, and what a failure leaves.</summary>
public abstract class SessionStep
{
    private protected SessionStep(string name, bool isFrozen, string does, string undoes, string leaves)
    {
        Name = name;
        IsFrozen = isFrozen;
        Does = does;
        Undoes = undoes;
        Leaves = leaves;
    }

    /// <summary>Its name, for messages and results.</summary>
    public string Name { get; }

    /// <summary>True if the connection is frozen while it runs.</summary>
    public bool IsFrozen { get; }

    /// <summary>What it does.</summary>
    public string Does { get; }

    /// <summary>What undoes it when a later step fails; empty where there is nothing to undo.</summary>
    public string Undoes { get; }

    /// <summary>What is left of the connection when this step fails and everything before it is undone.</summary>
    public string Leaves { get; }
}

/// <summary>A step with its body.</summary>
/// <typeparam name="T">What it works on.</typeparam>
internal sealed class SessionStep<T> : SessionStep
{
    internal SessionStep(
        string name, bool isFrozen, string does, Action<T> action, string undoes, Action<T>? undo, string leaves, Func<T, bool>? appliesTo = null)
        : base(name, isFrozen, does, undoes, leaves)
    {
        Action = action;
        Undo = undo;
        AppliesTo = appliesTo ?? (static _ => true);
    }

    internal Action<T> Action { get; }

    /// <summary>Harmless where the action never ran, or only in part.</summary>
    internal Action<T>? Undo { get; }

    /// <summary>Asked when its turn comes; a step that does not apply is neither run, nor timed, nor undone.</summary>
    internal Func<T, bool> AppliesTo { get; }
}
