using System.CommandLine;
using Interceptor.Capture.Intercept;
using Interceptor.Cli.Output;

namespace Interceptor.Cli.Commands;

/// <summary>What <c>interceptor intercept</c> changes in what packets carry.</summary>
internal static class EditArguments
{
    internal static readonly Option<string[]> Replace = new("--replace")
    {
        Description = @"Replace bytes in what TCP, UDP and ICMP echo carry, with \xNN, \r, \n, \t, \\ and \= as bytes; connections stay valid where the length changes. Repeatable: "
            + "leftmost first, then in the order given.",
        HelpName = "OLD=NEW",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    /// <exception cref="UsageException">A pair is none.</exception>
    internal static IReadOnlyList<Replacement> Read(ParseResult parsed) => [.. (parsed.GetValue(Replace) ?? []).Select(Read)];

    private static Replacement Read(string text)
    {
        try
        {
            return Replacement.Parse(text);
        }
        catch (FormatException exception)
        {
            throw new UsageException($"--replace wants OLD=NEW, not '{Printable.Escape(text)}': {exception.Message}");
        }
    }
}
