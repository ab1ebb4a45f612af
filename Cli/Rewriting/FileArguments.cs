using System.CommandLine;
using System.Globalization;
using Interceptor.Capture.Files;
using Interceptor.Cli.Input;

namespace Interceptor.Cli.Rewriting;

/// <summary>The options of <c>rewrite</c> that read several captures or write several files.</summary>
internal sealed class FileArguments
{
    private readonly Option<string[]> _merge = new("--merge")
    {
        Description = "Another capture, merged with FILE by time; may be given more than once. The interfaces and comments of each are kept; different link types need pcapng.",
        HelpName = "FILE",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<string> _split = new("--split")
    {
        Description = "Write several files beside OUT: packets=N, time=D or size=S in each, or one for each connection or interface. They are listed at the end.",
        HelpName = "HOW",
    };

    /// <summary>All of them, in the order of the help.</summary>
    internal IEnumerable<Option> All => [_merge, _split];

    /// <summary>What is merged with the first capture.</summary>
    internal string[] MergedWith(ParseResult parsed) => parsed.GetValue(_merge) ?? [];

    /// <summary>How the packets are split; null for one file.</summary>
    /// <exception cref="UsageException">It is said in a way that is not known.</exception>
    internal SplitChoice? Split(ParseResult parsed, string output)
    {
        if (parsed.GetValue(_split) is not { } text)
        {
            return null;
        }

        if (output == CaptureFile.StandardStream)
        {
            throw new UsageException("--split makes several files, and -o - is one stream: name a file, which theirs are made of.");
        }

        int equals = text.IndexOf('=', StringComparison.Ordinal);
        string amount = text[(equals + 1)..];
        SplitChoice? choice = (equals < 0 ? text : text[..equals]) switch
        {
            "connection" when equals < 0 => new SplitChoice(SplitKind.Connection, 0),
            "interface" when equals < 0 => new SplitChoice(SplitKind.Interface, 0),
            "packets" when long.TryParse(amount, NumberStyles.None, CultureInfo.InvariantCulture, out long packets) => new SplitChoice(SplitKind.Packets, packets),
            "time" when equals > 0 => new SplitChoice(SplitKind.Time, Quantity.Nanoseconds(amount)),
            "size" when equals > 0 => new SplitChoice(SplitKind.Size, Quantity.Size(amount)),
            _ => null,
        };
        return choice is not null && (choice.Amount > 0 || equals < 0) ? choice
            : throw new UsageException($"--split: '{text}' is none of packets=N, time=D, size=S, connection, interface, as packets=1000, time=10m or size=100MB.");
    }
}
