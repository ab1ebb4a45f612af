using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using Interceptor.Cli.Input;
using Interceptor.Replay;
using Interceptor.Replay.Stateful;

namespace Interceptor.Cli.Replaying;

/// <summary>The options of a replay to a real peer, over TCP connections of this machine.</summary>
internal sealed class StatefulArguments
{
    /// <summary>Options of other replays that mean the same here; all others contradict it.</summary>
    private static readonly HashSet<string> Shared = ["--interface", "--speed", "--top-speed", "--limit", "--duration", "--max-gap", "--dry-run", "--loop", "--json"];

    private readonly Option<string> _to = new("--to") { Description = "Play the clients' side of every TCP connection to this server, and compare what it answers; without a port to the captured ones.", HelpName = "HOST[:PORT]" };
    private readonly Option<bool> _asServer = new("--as-server") { Description = "Play the servers' side to clients that come, and compare what they send." };
    private readonly Option<string> _listen = new("--listen") { Description = "As a server: where to listen; without a port on the captured ones.", HelpName = "[ADDR:]PORT" };
    private readonly Option<int[]> _connection = new("--connection") { Description = "Play only the connection with this id, as interceptor tcp tells it; may be repeated.", HelpName = "ID", Arity = ArgumentArity.OneOrMore };
    private readonly Option<int?> _connections = new("--connections") { Description = "Have at most so many connections open at a time (default: as many as in the capture).", HelpName = "N" };
    private readonly Option<string[]> _mask = new("--mask") { Description = "What matches this regular expression, or its groups, may differ; may be repeated.", HelpName = "REGEX", Arity = ArgumentArity.OneOrMore };
    private readonly Option<bool> _maskDates = new("--mask-dates") { Description = "Dates of HTTP headers and instants as 2026-01-31T12:00:00Z may differ." };
    private readonly Option<bool> _maskLengths = new("--mask-lengths") { Description = "Content-Length and the sizes of chunks may differ." };
    private readonly Option<string[]> _maskAnswers = new("--mask-answers") { Description = "Answers to what matches this regular expression may be any, of the same length; may be repeated.", HelpName = "REGEX", Arity = ArgumentArity.OneOrMore };
    private readonly Option<int> _maxDivergences = new("--max-divergences") { Description = "Tell at most so many differences of a connection; all are counted.", HelpName = "N", DefaultValueFactory = _ => 10 };
    private readonly Option<string> _answerTimeout = new("--answer-timeout") { Description = "Wait so long for the peer, and as long as it took in the capture (default 5s).", HelpName = "D" };
    private readonly Option<bool> _midstream = new("--midstream") { Description = "Play connections too whose beginning is not in the capture, from the first byte that is." };
    private readonly Option<bool> _noRepair = new("--no-repair") { Description = "Let the kernel choose the sequence numbers, not the capture." };
    private readonly Option<bool> _verbose = new("--verbose", "-v") { Description = "Tell of each connection, not only of those that differ." };

    /// <summary>All of them, in the order of the help.</summary>
    internal IEnumerable<Option> All =>
        [_to, _asServer, _listen, _connection, _connections, _mask, _maskDates, _maskLengths, _maskAnswers, _maxDivergences, _answerTimeout, _midstream, _noRepair, _verbose];

    /// <summary>The command line asks for this kind of replay.</summary>
    /// <exception cref="UsageException">It does not, and gives options that only this kind has.</exception>
    internal bool IsAsked(ParseResult parsed)
    {
        if (parsed.GetValue(_to) is not null || parsed.GetValue(_asServer))
        {
            return true;
        }

        Option? stray = All.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false });
        return stray is null ? false : throw new UsageException($"{stray.Name} is for replays to a real peer: it needs --to HOST[:PORT] or --as-server.");
    }

    /// <summary>Each connection is told of.</summary>
    internal bool IsVerbose(ParseResult parsed) => parsed.GetValue(_verbose);

    /// <summary>Which connections.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="options">What the options of all replays say.</param>
    internal ConversationSelection ReadSelection(ParseResult parsed, ReplayOptions options) => new()
    {
        AsClient = !parsed.GetValue(_asServer),
        Filter = options.Filter,
        Ids = (parsed.GetValue(_connection) ?? []).ToHashSet(),
        Limit = options.Limit,
        IncludesMidstream = parsed.GetValue(_midstream),
        UncomparedAnswersTo = [.. (parsed.GetValue(_maskAnswers) ?? []).Select(static pattern => Checked("--mask-answers", pattern, static it => new Regex(it, RegexOptions.CultureInvariant, StreamMask.Patience)))],
    };

    /// <summary>How to play them. Names are resolved by <see cref="Resolve"/>.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="options">What the options of all replays say.</param>
    /// <exception cref="UsageException">It contradicts itself.</exception>
    internal StatefulReplayOptions ReadOptions(ParseResult parsed, ReplayOptions options)
    {
        CheckTogether(parsed, options);
        int? connections = parsed.GetValue(_connections);
        int divergences = parsed.GetValue(_maxDivergences);
        if (connections < 1 || divergences < 1)
        {
            throw new UsageException(connections < 1 ? "--connections must be 1 or more." : "--max-divergences must be 1 or more.");
        }

        return new StatefulReplayOptions
        {
            Pace = new ConversationPace
            {
                SpeedMillionths = options.Pace.Kind == ReplayPaceKind.TopSpeed ? null : options.Pace.SpeedMillionths,
                MaxGap = options.MaxGap,
            },
            MaximumConnections = connections,
            Masks = ReadMasks(parsed),
            AnswerTimeout = parsed.GetValue(_answerTimeout) is { } timeout ? Quantity.Duration(timeout) : new StatefulReplayOptions().AnswerTimeout,
            MaximumDivergences = divergences,
            UsesRepair = !parsed.GetValue(_noRepair),
            Duration = options.Duration,
        };
    }

    /// <summary>The same with the peer's address, or the one to listen on.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="options">What it says besides.</param>
    /// <param name="prefersIpv4">The family to take of a name that has several.</param>
    /// <exception cref="IOException">There is no such host.</exception>
    internal StatefulReplayOptions Resolve(ParseResult parsed, StatefulReplayOptions options, bool prefersIpv4)
    {
        if (parsed.GetValue(_to) is { } to)
        {
            var target = HostAndPort.Parse(to);
            return options with { Target = target.Resolve(prefersIpv4), Port = target.Port };
        }

        HostAndPort? listen = parsed.GetValue(_listen) is { } text ? HostAndPort.Parse(text, mayBePort: true) : null;
        return options with { ListenAddress = listen?.Resolve(prefersIpv4), Port = listen?.Port, Interface = parsed.GetValue<string>("--interface") };
    }

    private void CheckTogether(ParseResult parsed, ReplayOptions options)
    {
        string kind = parsed.GetValue(_to) is not null ? "--to" : "--as-server";
        bool asServer = parsed.GetValue(_asServer);
        bool hasInterface = parsed.GetValue<string>("--interface") is not null;
        foreach (OptionResult given in parsed.CommandResult.Children.OfType<OptionResult>().Where(static result => !result.Implicit))
        {
            if (!Shared.Contains(given.Option.Name) && !All.Contains(given.Option))
            {
                throw new UsageException($"{given.Option.Name} does not go with {kind}: the kernel's TCP makes the packets.");
            }
        }

        string? mistake = parsed.GetValue(_to) is not null && asServer ? "--to and --as-server exclude one another."
            : !asServer && hasInterface ? "--to connects where the routes lead: -i does not go with it."
            : !asServer && parsed.GetValue(_listen) is not null ? "--listen is for --as-server."
            : asServer && parsed.GetValue(_connections) is not null ? "--connections is for --to: as a server it is the clients who open them."
            : asServer && !hasInterface && parsed.GetValue(_listen) is null ? "--as-server needs --listen [ADDR:]PORT or -i INTERFACE: where clients may come."
            : options.Loop != 1 ? "--loop does not go with " + kind + ": each connection is played once."
            : options.Pace.Kind is ReplayPaceKind.PacketRate or ReplayPaceKind.DataRate ? "--pps and --rate do not go with " + kind + ": its packets follow the peer's answers."
            : null;
        if (mistake is not null)
        {
            throw new UsageException(mistake);
        }

        // A host that is none is told before anything is read.
        _ = parsed.GetValue(_to) is { } to ? HostAndPort.Parse(to) : parsed.GetValue(_listen) is { } listen ? HostAndPort.Parse(listen, mayBePort: true) : null;
    }

    private List<StreamMask> ReadMasks(ParseResult parsed)
    {
        var masks = new List<StreamMask>();
        masks.AddRange((parsed.GetValue(_mask) ?? []).Select(static pattern => Checked("--mask", pattern, static it => new StreamMask(it))));
        masks.AddRange(parsed.GetValue(_maskDates) ? StreamMask.Dates : []);
        masks.AddRange(parsed.GetValue(_maskLengths) ? StreamMask.Lengths : []);
        return masks;
    }

    private static T Checked<T>(string option, string pattern, Func<string, T> make)
    {
        try
        {
            return make(pattern);
        }
        catch (RegexParseException exception)
        {
            throw new UsageException($"{option} '{pattern}' is not a regular expression: {exception.Message}");
        }
    }
}
