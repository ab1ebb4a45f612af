using System.CommandLine;

namespace Interceptor.Cli.Output;

/// <summary>Whether output is coloured: by <c>--color</c>, and without it where standard output is a terminal that can and nobody objects.</summary>
internal static class TerminalColors
{
    /// <summary>Weaker than the rest of the line.</summary>
    internal const string Dim = "\x1b[2m";

    /// <summary>As strong as usual again.</summary>
    internal const string NotDim = "\x1b[22m";

    /// <summary>The option; each command has its own.</summary>
    internal static Option<string> CreateOption()
    {
        var option = new Option<string>("--color")
        {
            Description = "Colours: always, never, or auto for a terminal unless NO_COLOR is set.",
            HelpName = "WHEN",
            DefaultValueFactory = static _ => "auto",
        };
        option.AcceptOnlyFromAmong("auto", "always", "never");
        return option;
    }

    /// <summary>True where text on standard output is to be coloured. JSON never is.</summary>
    /// <param name="when">The option's value; null for none.</param>
    /// <param name="output">The command's output.</param>
    internal static bool AreWanted(string? when, CommandOutput output) => !output.Json && when switch
    {
        "always" => true,
        "never" => false,
        _ => !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb"),
    };
}
