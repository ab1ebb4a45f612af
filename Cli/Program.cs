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
        bool isEmpty = args.Length == 0;
        if (isEmpty || args[0] == "help")
        {
            // As git and ip do it: without a command the list of them, on standard error and with the code of a mistake.
            args = isEmpty ? ["--help"] : [.. args[1..], "--help"];
        }

        ParseResult parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = true });
        string[] mistakes = [.. parsed.Errors.Select(error => error.Message).Concat(UnknownOptions(parsed)).Distinct()];
        if (mistakes.Length > 1)
        {
            // A misspelt command is no missing one as well.
            mistakes = [.. mistakes.Where(mistake => mistake != "Required command was not provided.")];
        }

        if (mistakes.Length > 0)
        {
            foreach (string mistake in mistakes)
            {
                Console.Error.WriteLine($"interceptor: {Output.Printable.Escape(mistake)}");
            }

            Console.Error.WriteLine($"Try: {CommandTree.PathOf(parsed.CommandResult)} --help");
            return ExitCode.Usage;
        }

        int code = parsed.Invoke(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = TearDownTime,
            Output = isEmpty ? Console.Error : Console.Out,
        });
        return isEmpty ? ExitCode.Usage : code;
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
