using System.Text.RegularExpressions;
using Interceptor.Filters;

namespace Interceptor.Replay.Stateful;

/// <summary>Which connections of a capture are played. Immutable but for the filter's cache.</summary>
public sealed record ConversationSelection
{
    /// <summary>True to play what the clients sent, false for the servers.</summary>
    public bool AsClient { get; init; } = true;

    /// <summary>Only packets that match are looked at; null for all.</summary>
    public LinkTypeFilter? Filter { get; init; }

    /// <summary>Only connections with these ids; empty for all.</summary>
    public IReadOnlySet<int> Ids { get; init; } = new HashSet<int>();

    /// <summary>At most so many, the first ones; null for all.</summary>
    public long? Limit { get; init; }

    /// <summary>Also connections whose beginning the capture does not show, from the first byte that it has. Not by default: that byte may lie in the midst of a request.</summary>
    public bool IncludesMidstream { get; init; }

    /// <summary>Answers to what matches one of these are taken as they come; applied to the data of each packet of the played side, as Latin-1 text.</summary>
    public IReadOnlyList<Regex> UncomparedAnswersTo { get; init; } = [];
}
