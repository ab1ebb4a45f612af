namespace Interceptor.Tcp.Breakpoints;

/// <summary>A breakpoint expression that can't be read.</summary>
public sealed class BreakpointSyntaxException : FormatException
{
    /// <summary>Builds the message: the expression, where, and what is wrong.</summary>
    /// <param name="expression">The expression as given.</param>
    /// <param name="position">Index of the offending character.</param>
    /// <param name="reason">What is wrong, as a clause without a full stop.</param>
    public BreakpointSyntaxException(string expression, int position, string reason)
        : base($"breakpoint '{expression}': at character {position + 1}: {reason}.")
    {
        Expression = expression;
        Position = position;
        Reason = reason;
    }

    /// <summary>The expression.</summary>
    public string Expression { get; }

    /// <summary>Index of the offending character.</summary>
    public int Position { get; }

    /// <summary>What is wrong, as a clause without a full stop.</summary>
    public string Reason { get; }
}
