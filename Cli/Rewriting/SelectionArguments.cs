using System.CommandLine;
using System.Globalization;
using Interceptor.Cli.Input;
using Interceptor.Packets;
using Interceptor.Replay.Rewriting;

namespace Interceptor.Cli.Rewriting;

/// <summary>The options of <c>rewrite</c> that say which packets are written, and with which times.</summary>
internal sealed class SelectionArguments
{
    private const string DedupeName = "--dedupe";
    private const decimal LargestScale = 1_000_000m;

    private readonly Option<string> _start = Text("--start", "T", "Only packets from T on: seconds from the first packet, nanoseconds since the epoch, or 2026-01-31T12:00:00Z.");
    private readonly Option<string> _end = Text("--end", "T", "Only packets up to T.");
    private readonly Option<string> _packets = Text("--packets", "N-M,...", "Only packets of these numbers, as 1-10,20,30-; the first one is 1, as in read.");
    private readonly Option<string> _connection = Text("--connection", "ID,...", "Only packets of these TCP connections, by the ids of interceptor tcp, as 0,3-5.");
    private readonly Option<string> _dedupe = Text(DedupeName, "N|D",
        "Leave out a packet whose bytes are those of one of the four before it; of N packets together, or of those since a time, as 50ms.");

    private readonly Option<string> _shift = Text("--shift", "D|-D|to=T", "Move all packets in time by D, as 1.5h or -30s, or so that the first is at the instant T.");
    private readonly Option<string> _scale = Text("--scale", "X", "Make the gaps between packets X times as long, counted from the first one written.");

    /// <summary>All of them, in the order of the help.</summary>
    internal IEnumerable<Option> All => [_start, _end, _packets, _connection, _dedupe, _shift, _scale];

    /// <summary>
    /// The window of <c>--dedupe</c> may be left out, and the word behind is then the file or the beginning of the filter: the parser can't know, so the usual
    /// window is put in where that word is none.
    /// </summary>
    internal static string[] WithWindow(string[] words) => words.Contains("rewrite")
        ? [.. words.Select((word, index) => word == DedupeName && !(index + 1 < words.Length && IsWindow(words[index + 1]))
            ? string.Create(CultureInfo.InvariantCulture, $"{DedupeName}={DuplicateWindow.Usual.Packets}") : word)]
        : words;

    /// <summary>The same plan with what the command line says.</summary>
    /// <exception cref="UsageException">A value is none.</exception>
    internal RewritePlan Read(ParseResult parsed, RewritePlan plan)
    {
        var slice = new PacketSlice
        {
            Start = Bound(parsed, _start),
            End = Bound(parsed, _end),
            Numbers = Ranges(parsed, _packets, smallest: 1),
            Connections = Ranges(parsed, _connection, smallest: 0),
        };
        if (slice is { Start: { } start, End: { } end } && start.IsRelative == end.IsRelative && start.Nanoseconds > end.Nanoseconds)
        {
            throw new UsageException("--start is after --end: nothing is between them.");
        }

        TimeChange times = ReadShift(parsed.GetValue(_shift)) with { ScaleBillionths = ReadScale(parsed.GetValue(_scale)) };
        return plan with { Slice = slice, Duplicates = parsed.GetValue(_dedupe) is { } window ? ReadWindow(window) : null, Times = times };
    }

    private static bool IsWindow(string word)
    {
        string unit = word.TrimStart("0123456789.".ToCharArray());
        return unit.Length < word.Length && unit is "" or "ns" or "us" or "µs" or "ms" or "s" or "m" or "min" or "h" or "d";
    }

    private static SliceBound? Bound(ParseResult parsed, Option<string> option) =>
        TcpInstant.Parse(parsed.GetValue(option), option.Name) is { } instant ? new SliceBound(instant.Nanoseconds, instant.IsRelative) : null;

    private static NumberRanges? Ranges(ParseResult parsed, Option<string> option, long smallest)
    {
        try
        {
            return parsed.GetValue(option) is { } text ? NumberRanges.Parse(text, smallest) : null;
        }
        catch (FormatException exception)
        {
            throw new UsageException($"{option.Name}: {exception.Message}.");
        }
    }

    private static TimeChange ReadShift(string? text)
    {
        if (text is null)
        {
            return new TimeChange();
        }

        if (text.StartsWith("to=", StringComparison.Ordinal))
        {
            return TcpInstant.Parse(text[3..], "--shift") is { IsRelative: false } instant
                ? new TimeChange { To = new CaptureTimestamp(instant.Nanoseconds) }
                : throw new UsageException($"--shift: '{text}' names no instant: give nanoseconds since the epoch, or to=2026-01-31T12:00:00Z.");
        }

        bool isBack = text.StartsWith('-');
        long distance = Quantity.Nanoseconds(isBack || text.StartsWith('+') ? text[1..] : text);
        return new TimeChange { Shift = isBack ? -distance : distance };
    }

    private static long ReadScale(string? text)
    {
        if (text is null)
        {
            return TimeChange.ScaleUnit;
        }

        return decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal factor) && factor * TimeChange.ScaleUnit >= 1 && factor <= LargestScale
            ? (long)decimal.Round(factor * TimeChange.ScaleUnit)
            : throw new UsageException($"--scale: '{text}' is not a factor between 0.000000001 and 1000000, as 2 or 0.5.");
    }

    private static DuplicateWindow ReadWindow(string text)
    {
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int packets))
        {
            return DuplicateWindow.OfTime(Quantity.Nanoseconds(text));
        }

        return packets is >= 2 and <= DuplicateWindow.MaximumPackets
            ? DuplicateWindow.OfPackets(packets)
            : throw new UsageException($"{DedupeName}: {packets} packets are no window: give 2 to {DuplicateWindow.MaximumPackets}, or a time as 50ms.");
    }

    private static Option<string> Text(string name, string value, string description) => new(name) { Description = description, HelpName = value };
}
