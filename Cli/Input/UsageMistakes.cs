using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Interceptor.Cli.Input;

/// <summary>What is wrong with a command line, one sentence for each mistake, in words that say what to write instead.</summary>
internal static class UsageMistakes
{
    /// <summary>The mistakes in their order; none for a command line that can run.</summary>
    internal static IReadOnlyList<string> Of(ParseResult parsed)
    {
        // One wrong word makes others look wrong too.
        if (parsed.UnmatchedTokens is [var unmatched, ..])
        {
            return [UnknownWord(unmatched, parsed.CommandResult)];
        }

        return [.. parsed.Errors.Select(Sentence).Concat(UnknownOptions(parsed)).Distinct()];
    }

    private static string Sentence(ParseError error) => error.SymbolResult switch
    {
        OptionResult option => OfOption(option, error.Message),
        ArgumentResult { Tokens.Count: 0, Argument: { Name: var name } argument } result when argument.Arity.MinimumNumberOfValues > 0 =>
            MissingArgument(name, (CommandResult)result.Parent!),
        CommandResult command when error.Message.StartsWith("Required argument missing", StringComparison.Ordinal) && command.Command.Arguments.Count > 0 =>
            MissingArgument(command.Command.Arguments[0].Name, command),
        CommandResult { Command.Subcommands.Count: > 0 } command => $"{CommandTree.PathOf(command)} needs a command: {Names(command.Command)}.",
        _ => error.Message,
    };

    private static string MissingArgument(string name, CommandResult command) =>
        $"{command.Command.Name} needs a {name}, as: {CommandTree.PathOf(command)} {(name == "FILE" ? "trace.pcapng" : name)}";

    private static string OfOption(OptionResult result, string message)
    {
        Option option = result.Option;
        string name = result.IdentifierToken?.Value ?? option.Name;
        string value = option.HelpName ?? "VALUE";
        if (result.IdentifierTokenCount > 1 && option.Arity.MaximumNumberOfValues <= 1)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{name} is given {result.IdentifierTokenCount} times; give it once.");
        }

        if (result.IdentifierTokenCount == 0)
        {
            return $"{name} {value} must be given.";
        }

        if (result.Tokens.Count == 0)
        {
            return $"{name} needs a value: {name} {value}";
        }

        string given = result.Tokens[0].Value;
        if (message.StartsWith("Cannot parse argument", StringComparison.Ordinal))
        {
            return Nullable.GetUnderlyingType(option.ValueType) == typeof(long) || Nullable.GetUnderlyingType(option.ValueType) == typeof(int)
                || option.ValueType == typeof(long) || option.ValueType == typeof(int)
                ? $"'{given}' is no whole number, or one too large: {name} {value}"
                : $"'{given}' can't be taken: {name} {value}";
        }

        return value.Contains('|', StringComparison.Ordinal) && message.Contains("not recognized", StringComparison.Ordinal)
            ? $"'{given}' can't be taken: {name} {value}"
            : message;
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
            .Select(token => UnknownWord(token.Value, parsed.CommandResult));
    }

    private static bool LooksLikeOption(string word) => word.Length > 1 && word[0] == '-' && (word[1] == '-' || char.IsAsciiLetter(word[1]));

    private static string UnknownWord(string word, CommandResult command)
    {
        bool isOption = LooksLikeOption(word);
        IEnumerable<string> known = isOption ? OptionNames(command) : command.Command.Subcommands.Select(static each => each.Name);
        string? near = Nearest(word, known);
        string what = isOption ? "option" : command.Command.Subcommands.Count > 0 ? "command" : "argument";
        string sentence = command.Command is RootCommand ? $"there is no {what} '{word}'." : $"{command.Command.Name} has no {what} '{word}'.";
        return near is null ? sentence : $"{sentence} Did you mean {near}?";
    }

    private static IEnumerable<string> OptionNames(CommandResult command)
    {
        for (SymbolResult? at = command; at is CommandResult each; at = each.Parent)
        {
            foreach (Option option in each.Command.Options.Where(option => at == command || option.Recursive))
            {
                yield return option.Name;
                foreach (string alias in option.Aliases)
                {
                    yield return alias;
                }
            }
        }
    }

    private static string Names(Command command) => string.Join(", ", command.Subcommands.Where(static each => !each.Hidden).Select(static each => each.Name));

    /// <summary>The known word that a slip of the hand may have meant.</summary>
    private static string? Nearest(string word, IEnumerable<string> known)
    {
        int most = word.Length <= 4 ? 1 : 2;
        return known.Where(static each => each.Length > 2)
            .Select(each => (Word: each, Distance: Distance(word, each)))
            .Where(each => each.Distance <= most || (word.Length > 3 && each.Word.StartsWith(word, StringComparison.Ordinal)))
            .OrderBy(static each => each.Distance)
            .Select(static each => each.Word)
            .FirstOrDefault();
    }

    /// <summary>Letters to add, drop, change or swap with their neighbour (Damerau's distance, optimal string alignment).</summary>
    private static int Distance(string left, string right)
    {
        int[,] cost = new int[left.Length + 1, right.Length + 1];
        for (int i = 0; i <= left.Length; i++)
        {
            for (int j = 0; j <= right.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    cost[i, j] = i + j;
                    continue;
                }

                int change = cost[i - 1, j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
                cost[i, j] = Math.Min(change, Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                {
                    cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
                }
            }
        }

        return cost[left.Length, right.Length];
    }
}
