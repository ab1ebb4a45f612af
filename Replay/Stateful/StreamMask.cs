using System.Text.RegularExpressions;

namespace Interceptor.Replay.Stateful;

/// <summary>
/// What may differ between the capture and the replay, in content and in length: what the groups of a regular expression match, or the whole match where it has none. It is applied to the bytes as
/// Latin-1 text, to the expected and the seen ones alike, within <see cref="Reach"/> bytes before and behind a difference. Immutable; any thread.
/// </summary>
public sealed class StreamMask
{
    /// <summary>How far before and behind a difference a match is looked for, in bytes: longer matches are not found.</summary>
    public const int Reach = 4096;

    /// <summary>An expression that takes longer than this to match is given up, with an exception.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly Regex _regex;
    private readonly bool _hasGroups;

    /// <summary>A mask of one's own.</summary>
    /// <param name="pattern">A .NET regular expression; <c>(?i)</c> and <c>(?m)</c> as usual.</param>
    /// <exception cref="RegexParseException">It is none.</exception>
    public StreamMask(string pattern)
    {
        _regex = new Regex(pattern, RegexOptions.CultureInvariant, Patience);
        _hasGroups = _regex.GetGroupNumbers().Length > 1;
    }

    /// <summary>Dates of HTTP headers, and instants of ISO 8601 and RFC 3339.</summary>
    public static IReadOnlyList<StreamMask> Dates { get; } =
    [
        new(@"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? (?:\d\d[ -](?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ -]\d{2,4}|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d) \d\d:\d\d:\d\d(?: GMT| \d{4})"),
        new(@"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"),
        new(@"(?im)^(?:Date|Last-Modified|Expires): *([^\r\n]*)"),
    ];

    /// <summary>Lengths that HTTP tells: Content-Length, and the sizes of chunks.</summary>
    public static IReadOnlyList<StreamMask> Lengths { get; } =
    [
        new(@"(?im)^Content-Length: *(\d+)"),
        new(@"(?m)^([0-9A-Fa-f]+)(?:;[^\r\n]*)?\r$"),
    ];

    /// <summary>
    /// What may differ in a text: the ranges that hold or touch a place, with the number of the group.
    /// </summary>
    /// <exception cref="RegexMatchTimeoutException">The expression takes longer than a second.</exception>
    internal IEnumerable<(int Group, int Start, int End)> RangesAt(string text, int place)
    {
        for (Match match = _regex.Match(text); match.Success && match.Index <= place; match = match.NextMatch())
        {
            if (match.Index + match.Length < place)
            {
                continue;
            }

            if (!_hasGroups)
            {
                yield return (0, match.Index, match.Index + match.Length);
                continue;
            }

            for (int number = 1; number < match.Groups.Count; number++)
            {
                Group group = match.Groups[number];
                if (group.Success && group.Index <= place && group.Index + group.Length >= place)
                {
                    yield return (number, group.Index, group.Index + group.Length);
                }
            }
        }
    }
}
