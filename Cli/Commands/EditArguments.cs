using System.CommandLine;
using Interceptor.Capture.Intercept;
using Interceptor.Cli.Output;

namespace Interceptor.Cli.Commands;

/// <summary>What <c>interceptor intercept</c> changes in what packets carry and in their headers.</summary>
internal static class EditArguments
{
    internal static readonly Option<string[]> Replace = new("--replace")
    {
        Description = @"Replace bytes in what TCP, UDP and ICMP echo carry, with \xNN, \r, \n, \t, \0, \\ and \= as bytes; connections stay valid where the length changes. Repeatable: "
            + "leftmost first, then in the order given.",
        HelpName = "OLD=NEW",
    };

    internal static readonly Option<string[]> Set = new("--set")
    {
        Description = $"Set a header field in each packet that has it: {FieldSetting.Names}. Repeatable.",
        HelpName = "FIELD=VALUE",
    };

    /// <exception cref="UsageException">A pair is none.</exception>
    internal static IReadOnlyList<Replacement> ReadReplacements(ParseResult parsed) => Read(parsed, Replace, Replacement.Parse);

    /// <exception cref="UsageException">A setting is none.</exception>
    internal static IReadOnlyList<FieldSetting> ReadSettings(ParseResult parsed) => Read(parsed, Set, FieldSetting.Parse);

    private static List<T> Read<T>(ParseResult parsed, Option<string[]> option, Func<string, T> parse)
    {
        var read = new List<T>();
        foreach (string text in parsed.GetValue(option) ?? [])
        {
            try
            {
                read.Add(parse(text));
            }
            catch (FormatException exception)
            {
                throw new UsageException($"{option.Name} wants {option.HelpName}, not '{Printable.Escape(text)}': {exception.Message}");
            }
        }

        return read;
    }
}
