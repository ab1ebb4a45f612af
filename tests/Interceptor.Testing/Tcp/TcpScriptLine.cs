using System.Globalization;
using System.Text.RegularExpressions;

namespace Interceptor.Testing.Tcp;

/// <summary>What a line of a <see cref="TcpScript"/> does.</summary>
public enum TcpScriptAction
{
    /// <summary><c>&lt;</c>: a segment of the peer reaches the local end.</summary>
    In,

    /// <summary><c>&gt;</c>: a segment of the local end is seen or expected.</summary>
    Out,

    /// <summary><c>?</c>: fields have these values.</summary>
    Check,

    /// <summary>A verb: what the application does.</summary>
    Verb,
}

/// <summary>One line of a script, parsed. Sequence numbers are relative: 0 is the sender's SYN, 1 its first byte.</summary>
public sealed partial class TcpScriptLine
{
    /// <summary>Its place in the script, from 0.</summary>
    public int Index { get; private init; }

    /// <summary>Time after the line before, ns.</summary>
    public long Delay { get; private init; }

    /// <summary>What it does.</summary>
    public TcpScriptAction Action { get; private init; }

    /// <summary>The flags in tcpdump's letters, as <c>S.</c>.</summary>
    public string Flags { get; private set; } = "";

    /// <summary>Relative number of the first byte.</summary>
    public long Start { get; private set; }

    /// <summary>Payload bytes.</summary>
    public int Length { get; private set; }

    /// <summary>The urgent pointer.</summary>
    public int Urgent { get; private set; }

    /// <summary>Payload bytes captured, at most <see cref="Length"/>.</summary>
    public int Captured { get; private set; }

    /// <summary>Relative acknowledgment number, or null.</summary>
    public long? Ack { get; private set; }

    /// <summary>The window field, raw.</summary>
    public int Window { get; private set; } = 65535;

    /// <summary>A byte that replaces the payload's usual pattern, or null.</summary>
    public byte? Fill { get; private set; }

    /// <summary>Option names and values: <c>mss 1460</c>, <c>sack 1001:2001</c>.</summary>
    public List<(string Name, string Value)> Options { get; } = [];

    /// <summary>Field names and expected values of a check.</summary>
    public List<(string Name, string Value)> Fields { get; } = [];

    /// <summary>The verb and its arguments.</summary>
    public string[] Words { get; private set; } = [];

    /// <summary>Reads one line; comments and empty lines give null.</summary>
    public static TcpScriptLine? Parse(string text, int index)
    {
        string line = text.Split("//")[0].Trim();
        if (line.Length == 0)
        {
            return null;
        }

        string[] parts = line.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length < 2 || parts[0][0] != '+')
        {
            throw new FormatException($"Line {index + 1}: a line starts with +SECONDS: '{line}'.");
        }

        long delay = (long)(decimal.Parse("0" + parts[0][1..], CultureInfo.InvariantCulture) * 1_000_000_000m);
        TcpScriptAction action = parts[1] switch
        {
            "<" => TcpScriptAction.In,
            ">" => TcpScriptAction.Out,
            "?" => TcpScriptAction.Check,
            _ => TcpScriptAction.Verb,
        };
        var parsed = new TcpScriptLine { Index = index, Delay = delay, Action = action };
        parsed.ReadRest(line[(line.IndexOf(' ') + 1)..].Trim(), parts);
        return parsed;
    }

    private void ReadRest(string rest, string[] parts)
    {
        switch (Action)
        {
            case TcpScriptAction.Verb:
                Words = rest.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                break;
            case TcpScriptAction.Check:
                foreach (string pair in rest[1..].Split(' ', StringSplitOptions.RemoveEmptyEntries))
                {
                    int equals = pair.IndexOf('=');
                    Fields.Add(equals > 0 ? (pair[..equals], pair[(equals + 1)..]) : throw new FormatException($"Line {Index + 1}: '{pair}' is not NAME=VALUE."));
                }

                break;
            default:
                ReadSegment(parts.Length > 2 ? parts[2] : "");
                break;
        }
    }

    private void ReadSegment(string text)
    {
        Match match = SegmentPattern().Match(text);
        if (!match.Success)
        {
            throw new FormatException($"Line {Index + 1}: '{text}' is not a segment, as 'P. 1:1001(1000) ack 1 win 257 <nop,nop,TS val 1 ecr 0>'.");
        }

        Flags = match.Groups["flags"].Value;
        Start = Number(match, "start");
        Length = (int)Number(match, "length");
        if (Number(match, "end") - Start != Length)
        {
            throw new FormatException($"Line {Index + 1}: {Start} to {Number(match, "end")} are not {Length} bytes.");
        }

        Ack = match.Groups["ack"].Success ? Number(match, "ack") : null;
        Window = match.Groups["win"].Success ? (int)Number(match, "win") : Window;
        Urgent = match.Groups["urg"].Success ? (int)Number(match, "urg") : 0;
        Captured = match.Groups["cut"].Success ? (int)Number(match, "cut") : Length;
        Fill = match.Groups["fill"].Success ? (byte)match.Groups["fill"].Value[0] : null;
        foreach (string option in match.Groups["options"].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            int blank = option.IndexOf(' ');
            Options.Add(blank < 0 ? (option, "") : (option[..blank], option[(blank + 1)..]));
        }
    }

    private static long Number(Match match, string group) => long.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?<flags>[SFRPUEW.]+) +(?<start>-?\d+):(?<end>-?\d+)\((?<length>\d+)\)(?: ack (?<ack>-?\d+))?(?: win (?<win>\d+))?(?: urg (?<urg>\d+))?(?: cut (?<cut>\d+))?(?: fill (?<fill>.))?(?: <(?<options>[^>]*)>)?$", RegexOptions.ExplicitCapture)]
    private static partial Regex SegmentPattern();
}
