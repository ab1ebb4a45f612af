using System.CommandLine;
using System.CommandLine.Parsing;
using Interceptor.Cli.Output;
using Interceptor.Packets;

namespace Interceptor.Cli.Input;

/// <summary>The options of a command that prints packets: tcpdump's letters, which count how often they are given and can be written together.</summary>
internal sealed class PacketPrintOptions
{
    private const string Micro = "micro";
    private const string Nano = "nano";

    private readonly Option<bool> _noNames = new("-n") { Description = "Numbers, not names: that is always so; taken for the habit." };
    private readonly Option<bool> _time = new("-t")
    {
        Description = "The time: -t none, -tt seconds since the epoch, -ttt since the packet before, -tttt with the date, -ttttt since the first packet.",
    };

    private readonly Option<string> _precision = new("--time-stamp-precision") { Description = "micro (the default) or nano.", HelpName = "PRECISION" };
    private readonly Option<bool> _micro = new("--micro") { Description = "The same as --time-stamp-precision micro." };
    private readonly Option<bool> _nano = new("--nano") { Description = "The same as --time-stamp-precision nano." };
    private readonly Option<bool> _absolute = new("--absolute-tcp-sequence-numbers", "-S") { Description = "TCP sequence numbers as they are, not relative to the connection's first." };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "Less of each packet: no flags, numbers and options of TCP." };
    private readonly Option<bool> _verbose = new("--verbose", "-v") { Description = "IP header fields, checksums and comments too; -vv the sequence number of every TCP segment." };
    private readonly Option<bool> _linkHeader = new("--link-header", "-e") { Description = "The link header in front." };
    private readonly Option<bool> _hex = new("--hex", "-x") { Description = "The bytes below each packet, from the network header on; -xx from the link header on." };
    private readonly Option<bool> _hexAndText = new("--hex-text", "-X") { Description = "The same (-XX), with printable characters beside." };
    private readonly Option<bool> _text = new("--text", "-A") { Description = "The bytes as text (-AA): a dot for what is not ASCII." };
    private readonly Option<bool> _number = new("--number", "-#") { Description = "The packet's number in the capture in front." };
    private readonly Option<string> _color = TerminalColors.CreateOption();

    internal PacketPrintOptions() => _precision.AcceptOnlyFromAmong(Micro, Nano);

    /// <summary>All of them, in the order of the help.</summary>
    internal IEnumerable<Option> All =>
        [_verbose, _quiet, _linkHeader, _time, _nano, _micro, _precision, _absolute, _hex, _hexAndText, _text, _number, _noNames, _color];

    /// <summary>What the command line says.</summary>
    /// <exception cref="UsageException">It contradicts itself or says what there is not.</exception>
    internal PacketPrintFormat Read(ParseResult parsed, CommandOutput output)
    {
        int time = Times(parsed, _time);
        if (time > (int)TimeStyle.SinceFirst)
        {
            throw new UsageException("-t can be given up to five times: -t, -tt, -ttt, -tttt and -ttttt.");
        }

        bool nano = parsed.GetValue(_nano) || parsed.GetValue(_precision) == Nano;
        if (nano && (parsed.GetValue(_micro) || parsed.GetValue(_precision) == Micro))
        {
            throw new UsageException("The precision of times is either micro or nano, not both.");
        }

        return new PacketPrintFormat
        {
            Time = (TimeStyle)time,
            Nanoseconds = nano,
            Numbered = parsed.GetValue(_number),
            Packet = new PacketFormatOptions
            {
                Verbosity = Times(parsed, _verbose),
                Quiet = parsed.GetValue(_quiet),
                LinkHeader = parsed.GetValue(_linkHeader),
                AbsoluteSequenceNumbers = parsed.GetValue(_absolute),
                HexDump = ReadHexDump(parsed),
                Colored = TerminalColors.AreWanted(parsed.GetValue(_color), output),
            },
        };
    }

    /// <summary>tcpdump's order of precedence: -X, -x, -A.</summary>
    private HexDumpStyle ReadHexDump(ParseResult parsed) => (Times(parsed, _hexAndText), Times(parsed, _hex), Times(parsed, _text)) switch
    {
        (1, _, _) => HexDumpStyle.HexAndText,
        ( > 1, _, _) => HexDumpStyle.HexAndTextWithLink,
        (_, 1, _) => HexDumpStyle.Hex,
        (_, > 1, _) => HexDumpStyle.HexWithLink,
        (_, _, 1) => HexDumpStyle.Text,
        (_, _, > 1) => HexDumpStyle.TextWithLink,
        _ => HexDumpStyle.None,
    };

    private static int Times(ParseResult parsed, Option<bool> option) => parsed.GetResult(option) is OptionResult result && parsed.GetValue(option) ? result.IdentifierTokenCount : 0;
}
