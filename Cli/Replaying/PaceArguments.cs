using System.CommandLine;
using System.Globalization;
using Interceptor.Capture.Files;
using Interceptor.Cli.Input;
using Interceptor.Packets;
using Interceptor.Replay;

namespace Interceptor.Cli.Replaying;

/// <summary>The options of a replay that say when packets are sent, and how many.</summary>
internal sealed class PaceArguments
{
    private static readonly TimeSpan LeastInterval = TimeSpan.FromMilliseconds(100);

    private readonly Option<string> _speed = new("--speed") { Description = "So many times as fast as captured, as 2 or 0.5 (default 1).", HelpName = "X" };
    private readonly Option<long?> _pps = new("--pps") { Description = "So many packets in a second, evenly.", HelpName = "N" };
    private readonly Option<string> _rate = new("--rate") { Description = "So many bits in a second, as 10Mbit: of the packets, without what the wire adds.", HelpName = "R" };
    private readonly Option<bool> _topSpeed = new("--top-speed") { Description = "As fast as it goes." };
    private readonly Option<bool> _step = new("--step")
    {
        Description = "A packet for each key, or for each line of a standard input that is no terminal; a number sends so many, q ends.",
    };

    private readonly Option<long> _loop = new("--loop") { Description = "Send the capture so often; 0: until stopped.", HelpName = "N", DefaultValueFactory = _ => 1 };
    private readonly Option<string> _loopDelay = new("--loop-delay") { Description = "Wait so long between two rounds, as 5s.", HelpName = "D" };
    private readonly Option<long?> _limit = new("--limit", "-c") { Description = "Send at most so many packets.", HelpName = "N" };
    private readonly Option<string> _duration = new("--duration") { Description = "Send for so long at most, as 30s; pauses do not count.", HelpName = "D" };
    private readonly Option<string> _maxGap = new("--max-gap") { Description = "Wait no longer than this between two packets of the capture, as 1s.", HelpName = "D" };

    private readonly Option<bool> _preload = new("--preload") { Description = "Read the capture into memory before the first packet is sent." };
    private readonly Option<bool> _skipTruncated = new("--skip-truncated") { Description = "Leave out packets that were cut when they were captured." };
    private readonly Option<bool> _ordinary = new("--ordinary-priority")
    {
        Description = "Do not take the lowest real-time priority, which keeps other programs from delaying packets (where CAP_SYS_NICE allows it).",
    };

    private readonly Option<string> _interval = new("--interval") { Description = "Tell the counters so often while it runs: a progress object with --json, else a line on standard error.", HelpName = "D" };

    /// <summary>All of them, in the order of the help.</summary>
    internal IEnumerable<Option> All =>
        [_speed, _pps, _rate, _topSpeed, _step, _loop, _loopDelay, _limit, _duration, _maxGap, _preload, _skipTruncated, _ordinary, _interval];

    /// <summary>How often the counters are told; null for never.</summary>
    /// <exception cref="UsageException">Too often, or beside packets that are printed.</exception>
    internal TimeSpan? Interval(ParseResult parsed)
    {
        if (parsed.GetValue(_interval) is not { } text)
        {
            return null;
        }

        TimeSpan interval = Quantity.Duration(text);
        return parsed.GetValue(_step) ? throw new UsageException("--interval has no use beside --step, which prints each packet.")
            : interval < LeastInterval ? throw new UsageException($"--interval wants {LeastInterval.TotalMilliseconds} ms at least.")
            : interval;
    }

    /// <summary>True if the capture is to be read into memory first.</summary>
    internal bool IsPreloaded(ParseResult parsed) => parsed.GetValue(_preload);

    /// <summary>What the command line says; filter and target are others' business.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="path">The capture.</param>
    /// <exception cref="UsageException">It contradicts itself or says what there is not.</exception>
    internal ReplayOptions Read(ParseResult parsed, string path)
    {
        long loop = parsed.GetValue(_loop);
        long? limit = parsed.GetValue(_limit);
        if (loop < 0 || limit <= 0)
        {
            throw new UsageException(loop < 0 ? "--loop can't be negative; 0 is for ever." : "--limit must be 1 or more.");
        }

        if (path == CaptureFile.StandardStream && loop != 1)
        {
            throw new UsageException("standard input can be read once: --loop needs a file.");
        }

        ReplayPace pace = ReadPace(parsed);
        if (pace.Kind != ReplayPaceKind.Original && parsed.GetValue(_maxGap) is not null)
        {
            throw new UsageException("--max-gap shortens the waits of the capture: with --pps, --rate, --top-speed and --step there are none.");
        }

        if (pace.Kind == ReplayPaceKind.Step && path == CaptureFile.StandardStream)
        {
            throw new UsageException("standard input can't be both the capture and the steps: --step needs a file.");
        }

        if (parsed.GetValue(_loopDelay) is not null && loop == 1)
        {
            throw new UsageException("--loop-delay is the wait between two rounds: it needs --loop.");
        }

        return new ReplayOptions
        {
            Pace = pace,
            Loop = loop,
            LoopDelay = parsed.GetValue(_loopDelay) is { } delay ? Quantity.Duration(delay) : TimeSpan.Zero,
            SkipCut = parsed.GetValue(_skipTruncated),
            Prompt = !parsed.GetValue(_ordinary),
            ReadAhead = true,
            CountFlows = true,
            Limit = limit,
            Duration = parsed.GetValue(_duration) is { } duration ? Quantity.Duration(duration) : null,
            MaxGap = parsed.GetValue(_maxGap) is { } gap ? Quantity.Duration(gap) : null,
        };
    }

    private ReplayPace ReadPace(ParseResult parsed)
    {
        string? speed = parsed.GetValue(_speed);
        long? pps = parsed.GetValue(_pps);
        string? rate = parsed.GetValue(_rate);
        bool top = parsed.GetValue(_topSpeed);
        bool step = parsed.GetValue(_step);
        if ((speed is null ? 0 : 1) + (pps is null ? 0 : 1) + (rate is null ? 0 : 1) + (top ? 1 : 0) + (step ? 1 : 0) > 1)
        {
            throw new UsageException("--speed, --pps, --rate, --top-speed and --step exclude one another.");
        }

        if (top || step)
        {
            return top ? ReplayPace.TopSpeed : ReplayPace.Step;
        }

        if (pps is { } packets)
        {
            return packets > 0 ? ReplayPace.At(new PacketRate(packets)) : throw new UsageException("--pps must be 1 or more.");
        }

        if (rate is not null)
        {
            long bits = Quantity.BitRate(rate);
            return bits > 0 ? ReplayPace.At(new DataRate(bits)) : throw new UsageException("--rate must be more than 0.");
        }

        if (speed is null)
        {
            return ReplayPace.Original;
        }

        return decimal.TryParse(speed, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal factor) && factor is >= 0.000001m and <= 1_000_000m
            ? ReplayPace.AtSpeed(factor)
            : throw new UsageException($"'{speed}' is not a speed between 0.000001 and 1000000, as 2 or 0.5.");
    }
}
