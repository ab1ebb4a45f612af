using System.Text;
using Interceptor.Interop;

namespace Interceptor.Cli.Input;

/// <summary>A command in one argument as the words that it is run with: blanks part them, quotes hold them together. Nothing else means anything: no shell sees it.</summary>
internal static class CommandWords
{
    private const ushort AnyExecutable = 0x49; // 0111 in octal.

    /// <summary>At least one word, the first being the program.</summary>
    /// <param name="text">The command.</param>
    /// <param name="option">Whose value it is, for the message.</param>
    /// <exception cref="UsageException">There is no word, or a quote is not closed.</exception>
    internal static IReadOnlyList<string> Split(string text, string option)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        bool isWord = false;
        char quote = '\0';
        foreach (char letter in text)
        {
            if (quote != '\0' ? letter == quote : letter is '\'' or '"')
            {
                quote = quote == '\0' ? letter : '\0';
                isWord = true;
            }
            else if (quote == '\0' && letter is ' ' or '\t' or '\n')
            {
                if (isWord)
                {
                    words.Add(word.ToString());
                    word.Clear();
                    isWord = false;
                }
            }
            else
            {
                word.Append(letter);
                isWord = true;
            }
        }

        if (quote != '\0')
        {
            throw new UsageException($"{option}: a {quote} is not closed.");
        }

        if (isWord)
        {
            words.Add(word.ToString());
        }

        return words.Count > 0 && words[0].Length > 0 ? words : throw new UsageException($"{option} wants the name of a program.");
    }

    /// <summary>The file that a program's name stands for, by PATH where it has no slash; null where there is none that can be run.</summary>
    internal static string? Find(string program)
    {
        IEnumerable<string> places = program.Contains('/') ? [program]
            : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(directory => Path.Combine(directory.Length == 0 ? "." : directory, program));
        return places.FirstOrDefault(static place => FileStatus.Of(place) is { IsRegular: true } status && (status.Mode & AnyExecutable) != 0);
    }
}
