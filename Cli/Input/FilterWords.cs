using System.CommandLine;
using System.CommandLine.Parsing;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.Packets;

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

    /// <summary>What to tell someone whose words do not stand where they should: the name of a file among those of the filter, or behind them.</summary>
    internal static string? HintAt(Exception exception, ParseResult parsed)
    {
        string[] words = [.. parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(static argument => argument.Tokens).Select(static token => token.Value)];
        string? misplaced = exception switch
        {
            FilterSyntaxException failure => words.FirstOrDefault(word => failure.Expression.Split(' ').Contains(word) && File.Exists(word)),
            CaptureFileException { InnerException: LinuxException { Errno: Errno.ENOENT } } failure when words.Length > 1 && failure.Path == words[0] =>
                words.Skip(1).FirstOrDefault(File.Exists),
            _ => null,
        };
        return misplaced is null ? null : $"'{misplaced}' is the name of a file, and stands where the filter is: one FILE is read, and it stands before the filter (with -i there is none).";
    }

    /// <summary>Compiles the filter for the link type of a pcap file, so that a mistake is told before anything is done.</summary>
    /// <exception cref="FilterSyntaxException">The expression does not compile.</exception>
    internal static void CheckBefore(LinkTypeFilter? filter, CaptureFileReader capture)
    {
        if (capture.Format == CaptureFileFormat.Pcap)
        {
            filter?.ForLinkType(capture.Interfaces[0].LinkType);
        }
    }

    /// <summary>Tells a mistake also where no packet came that the filter could have been compiled for.</summary>
    /// <exception cref="FilterSyntaxException">The expression does not compile for any link type of the capture, or for Ethernet where it has none.</exception>
    internal static void CheckAfter(LinkTypeFilter? filter, CaptureFileReader capture)
    {
        if (capture.PacketsRead == 0)
        {
            filter?.ForLinkType(capture.Interfaces.Count > 0 ? capture.Interfaces[0].LinkType : LinkType.Ethernet);
        }
    }
}
