namespace Interceptor.Filters;

/// <summary>A filter expression that does not compile.</summary>
public sealed class FilterSyntaxException : FormatException
{
    /// <summary>Builds the message: the expression, what is wrong, and where.</summary>
    /// <param name="expression">The expression as given.</param>
    /// <param name="position">Index of the offending character, or -1 where the compiler does not say.</param>
    /// <param name="reason">What is wrong, as a clause without a full stop.</param>
    public FilterSyntaxException(string expression, int position, string reason)
        : base(position < 0
            ? $"filter '{expression}': {reason}. The language is described in: man pcap-filter."
            : $"filter '{expression}': at character {position + 1}: {reason}. The language is described in: man pcap-filter.")
    {
        Expression = expression;
        Position = position;
        Reason = reason;
    }

    /// <summary>The expression.</summary>
    public string Expression { get; }

    /// <summary>Index of the offending character, or -1.</summary>
    public int Position { get; }

    /// <summary>What is wrong, as a clause without a full stop.</summary>
    public string Reason { get; }
}
