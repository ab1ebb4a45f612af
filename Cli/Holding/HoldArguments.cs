using System.CommandLine;
using System.Globalization;
using Interceptor.Capture.Intercept;
using Interceptor.Cli.Input;
using Interceptor.Cli.Live;
using Interceptor.Filters;
using Interceptor.Packets;
using Interceptor.Tcp.Breakpoints;

namespace Interceptor.Cli.Holding;

/// <summary>The options by which <c>intercept</c> holds.</summary>
internal static class HoldArguments
{
    private const string Policies = "release-oldest (the default), drop-oldest or drop-newest";

    private static readonly Option<bool> Hold = new("--hold")
    {
        Description = "Hold the packets: on a page you look at them, edit, release or drop them. Nothing overtakes what is held in its direction of a connection. See docs/holding.md.",
    };

    private static readonly Option<string?> For = new("--hold-for")
    {
        Description = "Hold from the first packet on for this time; then all go on in order, and what comes later passes.",
        HelpName = "D",
    };

    private static readonly Option<string?> Until = new("--hold-until")
    {
        Description = "Hold until a packet that matches has come; then all go on in order, it as the last, and what comes later passes.",
        HelpName = "FILTER",
    };

    private static readonly Option<string?> When = new("--hold-when")
    {
        Description = "Hold from this on, as 'zero-window | fin | seq>=1000 | payload~\"GET\"': what comes behind it in its direction of the connection waits too, until that has no packet held any more.",
        HelpName = "CONDITION",
    };

    private static readonly Option<bool> Control = new("--control")
    {
        Description = "Hold for a program: commands come on standard input, answers and events go to standard output, a JSON object a line each. At the end of the input all is released.",
    };

    private static readonly Option<string?> Packets = new("--hold-packets")
    {
        Description = $"Hold no more packets, and what happens beyond: {Policies}, as 100:drop-oldest. Default: 4096.",
        HelpName = "N[:POLICY]",
    };

    private static readonly Option<string?> Bytes = new("--hold-bytes") { Description = "Hold no more bytes; policies as before. Default: 64MiB.", HelpName = "SIZE[:POLICY]" };

    private static readonly Option<string?> Age = new("--hold-age")
    {
        Description = "Hold none for longer; release-oldest or drop-oldest. Default: 30s, with --hold-for not less than that time.",
        HelpName = "D[:POLICY]",
    };

    private static readonly Option<string?> End = new("--hold-end")
    {
        Description = "What happens at the end to what is held: release (in order; the default) or drop.",
        HelpName = "release|drop",
    };

    internal static IReadOnlyList<Option> All { get; } = [Hold, For, Until, When, Control, Packets, Bytes, Age, End];

    /// <summary>What was asked for; null where nothing is to be held.</summary>
    /// <exception cref="UsageException">The options don't go together, or there is no terminal for the page.</exception>
    internal static HoldRequest? Read(ParseResult parsed)
    {
        string? time = parsed.GetValue(For);
        string? until = parsed.GetValue(Until);
        string? when = parsed.GetValue(When);
        bool isControl = parsed.GetValue(Control);
        bool isPage = !isControl && (parsed.GetValue(Hold) || (when is not null && time is null && until is null));
        if (!isControl && !isPage && time is null && until is null)
        {
            Option? lonely = All.FirstOrDefault(option => option != Hold && option != Control && parsed.GetResult(option) is not null);
            return lonely is null ? null : throw new UsageException($"{lonely.Name} goes with --hold, --hold-when, --hold-for, --hold-until or --control.");
        }

        if (isPage && !LivePage.IsPossible)
        {
            throw new UsageException("--hold draws a page and reads keys: that takes a terminal as standard input and output. For a program there is --control; without anybody, --hold-for and --hold-until.");
        }

        TimeSpan? length = time is null ? null : Quantity.DurationWithUnit(time);
        if (length == TimeSpan.Zero)
        {
            throw new UsageException("--hold-for is more than 0.");
        }

        var options = new HoldOptions
        {
            For = length,
            Until = until is null ? null : PacketFilter.Compile(until, LinkType.Raw),
            Limits = ReadLimits(parsed, length),
            DropsAtEnd = parsed.GetValue(End) switch
            {
                null or "release" => false,
                "drop" => true,
                var other => throw new UsageException($"--hold-end is release or drop, not '{other}'."),
            },
        };
        return new HoldRequest(options, when is null ? null : Breakpoint.Parse(when), isPage, isControl);
    }

    private static HoldLimits ReadLimits(ParseResult parsed, TimeSpan? length)
    {
        var limits = new HoldLimits();
        if (length > limits.MaxAge)
        {
            limits = limits with { MaxAge = length.Value + TimeSpan.FromSeconds(1) };
        }

        if (Split(parsed, Packets) is var (packets, onPackets))
        {
            limits = limits with
            {
                MaxPackets = int.TryParse(packets, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 0
                    ? count : throw new UsageException($"--hold-packets is a number from 1 on, not '{packets}'."),
                OnPackets = onPackets,
            };
        }

        if (Split(parsed, Bytes) is var (bytes, onBytes))
        {
            limits = limits with { MaxBytes = Quantity.Size(bytes), OnBytes = onBytes };
        }

        if (Split(parsed, Age) is var (age, onAge))
        {
            limits = limits with { MaxAge = Quantity.DurationWithUnit(age), OnAge = onAge };
        }

        return limits is { MaxBytes: > 0, OnAge: not HoldOverflow.DropNewest } && limits.MaxAge > TimeSpan.Zero
            ? limits
            : throw new UsageException("--hold-bytes and --hold-age are more than 0, and an age knows no newest: release-oldest or drop-oldest.");
    }

    private static (string Value, HoldOverflow Overflow)? Split(ParseResult parsed, Option<string?> option)
    {
        if (parsed.GetValue(option) is not { } text)
        {
            return null;
        }

        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0)
        {
            return (text, HoldOverflow.ReleaseOldest);
        }

        return HoldWords.TryParse(text[(colon + 1)..], out HoldOverflow overflow)
            ? (text[..colon], overflow)
            : throw new UsageException($"{option.Name}: '{text[(colon + 1)..]}' is none of {Policies}.");
    }
}
