namespace Interceptor.Replay;

/// <summary>One line of the table of a session move.</summary>
public sealed class SessionMoveStep
{
    internal SessionMoveStep(string name, bool isFrozen, string does, Action<SessionMove> action, string undoes, Action<SessionMove>? undo, string leaves)
    {
        Name = name;
        IsFrozen = isFrozen;
        Does = does;
        Action = action;
        Undoes = undoes;
        Undo = undo;
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

    internal Action<SessionMove> Action { get; }

    internal Action<SessionMove>? Undo { get; }
}
