using System.CommandLine;

namespace Interceptor.Cli.Input;

/// <summary>The filter at the end of a command line: words of a pcap-filter expression, joined by blanks, or one quoted word.</summary>
internal static class FilterWords
{
    /// <summary>The argument; each command has its own.</summary>
    internal static Argument<string[]> CreateArgument() => new("filter")
    {
        Description = "Only packets that match this expression (man pcap-filter), as: tcp port 80.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    /// <summary>The expression; empty where no word was given.</summary>
    internal static string Join(string[]? words) => words is null ? "" : string.Join(' ', words);
}
