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
    private readonly Option<string> _speed = new("--speed") { Description = "So many times as fast as captured, as 2 or 0.5 (default 1).", HelpName = "X" };
    private readonly Option<long?> _pps = new("--pps") { Description = "So many packets in a second, evenly.", HelpName = "N" };
    private readonly Option<string> _rate = new("--rate") { Description = "So many bits in a second, as 10Mbit: of the packets, without what the wire adds.", HelpName = "R" };
    private readonly Option<bool> _topSpeed = new("--top-speed") { Description = "As fast as it goes." };
    private readonly Option<long> _loop = new("--loop") { Description = "Send the capture so often; 0: until stopped.", HelpName = "N", DefaultValueFactory = _ => 1 };
    private readonly Option<long?> _limit = new("--limit", "-c") { Description = "Send at most so many packets.", HelpName = "N" };
    private readonly Option<string> _duration = new("--duration") { Description = "Send for so long at most, as 30s.", HelpName = "D" };
    private readonly Option<string> _maxGap = new("--max-gap") { Description = "Wait no longer than this between two packets, as 1s.", HelpName = "D" };

    /// <summary>All of them, in the order of the help.</summary>
    internal IEnumerable<Option> All => [_speed, _pps, _rate, _topSpeed, _loop, _limit, _duration, _maxGap];

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

        return new ReplayOptions
        {
            Pace = ReadPace(parsed),
            Loop = loop,
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
        if ((speed is null ? 0 : 1) + (pps is null ? 0 : 1) + (rate is null ? 0 : 1) + (top ? 1 : 0) > 1)
        {
            throw new UsageException("--speed, --pps, --rate and --top-speed exclude one another.");
        }

        if (top)
        {
            return ReplayPace.TopSpeed;
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
