using System.CommandLine;
using System.CommandLine.Parsing;

namespace Interceptor.Cli;

internal static class Program
{
    /// <summary>How long a stopping command may take to release what it holds and remove its rules.</summary>
    private static readonly TimeSpan TearDownTime = TimeSpan.FromSeconds(30);

    private static int Main(string[] args)
    {
        RootCommand root = CommandTree.Build();
        ParseResult parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = true });
        string[] mistakes = [.. parsed.Errors.Select(error => error.Message).Concat(UnknownOptions(parsed)).Distinct()];
        if (mistakes.Length > 0)
        {
            foreach (string mistake in mistakes)
            {
                Console.Error.WriteLine($"interceptor: {Output.Printable.Escape(mistake)}");
            }

            Console.Error.WriteLine($"Try: {CommandTree.PathOf(parsed.CommandResult)} --help");
            return ExitCode.Usage;
        }

        return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TearDownTime });
    }

    /// <summary>
    /// The parser takes an option that it does not know for a word of the filter or for a file. What looks like one is a mistake unless it stands behind
    /// <c>--</c>.
    /// </summary>
    private static IEnumerable<string> UnknownOptions(ParseResult parsed)
    {
        var behind = parsed.Tokens.SkipWhile(token => token.Type != TokenType.DoubleDash).ToHashSet(ReferenceEqualityComparer.Instance);
        return parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens)
            .Where(token => !behind.Contains(token) && LooksLikeOption(token.Value))
            .Select(token => $"Unrecognized option '{token.Value}'.");
    }

    private static bool LooksLikeOption(string word) => word.Length > 1 && word[0] == '-' && (word[1] == '-' || char.IsAsciiLetter(word[1]));
}
