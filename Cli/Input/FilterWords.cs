using System.CommandLine;
using Interceptor.Capture.Files;
using Interceptor.Filters;
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
