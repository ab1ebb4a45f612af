using System.CommandLine;
using System.Globalization;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Capture.Injection;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;
using Interceptor.Filters;
using Interceptor.Packets;
using Interceptor.Replay;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor replay FILE -i IF</c>: sends a capture again.</summary>
internal static class ReplayCommand
{
    private static readonly Argument<string> File = new("FILE") { Description = "The capture; - is standard input." };
    private static readonly Argument<string[]> Filter = FilterWords.CreateArgument();
    private static readonly Option<string> Interface = new("--interface", "-i") { Description = "The interface to send on. See: interceptor interfaces.", HelpName = "IF" };
    private static readonly Option<string> Speed = new("--speed") { Description = "So many times as fast as captured, as 2 or 0.5 (default 1).", HelpName = "X" };
    private static readonly Option<long?> Pps = new("--pps") { Description = "So many packets in a second, evenly.", HelpName = "N" };
    private static readonly Option<string> Rate = new("--rate") { Description = "So many bits in a second, as 10Mbit: of the packets, without what the wire adds.", HelpName = "R" };
    private static readonly Option<bool> TopSpeed = new("--top-speed") { Description = "As fast as it goes." };
    private static readonly Option<long> Loop = new("--loop") { Description = "Send the capture so often; 0: until stopped.", HelpName = "N", DefaultValueFactory = _ => 1 };
    private static readonly Option<long?> Limit = new("--limit", "-c") { Description = "Send at most so many packets.", HelpName = "N" };
    private static readonly Option<string> Duration = new("--duration") { Description = "Send for so long at most, as 30s.", HelpName = "D" };
    private static readonly Option<string> MaxGap = new("--max-gap") { Description = "Wait no longer than this between two packets, as 1s.", HelpName = "D" };
    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Send nothing and wait for nothing: tell what would be sent, and in what time." };
    private static readonly Option<string> Write = new("--write", "-w") { Description = "Write what is sent to a capture, with the times of sending.", HelpName = "FILE" };

    internal static Command Create()
    {
        var command = new Command("replay", "Sends a capture again, with its timing or at a pace.")
        {
            File, Filter, Interface, Speed, Pps, Rate, TopSpeed, Loop, Limit, Duration, MaxGap, DryRun, Write,
        };
        command.SetBody(Run);
        return command;
    }

    private static int Run(ParseResult parsed, CommandContext context)
    {
        string path = parsed.GetRequiredValue(File);
        ReplayOptions options = ReadOptions(parsed, path);
        OutputFile.Check(parsed.GetValue(Write), context.Output);
        TextWriter text = OutputFile.TextBeside(parsed.GetValue(Write), context.Output);
        bool dry = parsed.GetValue(DryRun);
        string? interfaceName = parsed.GetValue(Interface);
        if (interfaceName is null && !dry)
        {
            throw new UsageException("replay needs -i INTERFACE to send on, or --dry-run to send nothing.");
        }

        // Opened first: a missing file must not be found after an interface was taken.
        InputFile.Check(path);
        CaptureFileReader first = CaptureFile.OpenRead(path, context.Signals.Token);
        FilterWords.CheckBefore(options.Filter, first);
        using LinkInjector? injector = dry ? null : LinkInjector.Open(interfaceName!);
        using CaptureFileWriter? copy = parsed.GetValue(Write) is { } output ? CaptureFile.Create(output, CaptureFileMode.Replace) : null;
        options = options with { Accepts = injector is null ? null : injector.Accepts };
        var replayer = new PacketReplayer((IPacketSink?)injector ?? new DiscardingSink(), options, dry ? new VirtualReplayClock() : null, copy);
        context.Signals.StatisticsRequested += () => context.Output.Warn(Counters(replayer.Report));
        using (new ProgressLine(context.Output.Error, () => Counters(replayer.Report)))
        {
            RunToEnd(replayer, options, first, path, text, context);
        }

        copy?.Commit();
        WriteSummary(replayer.Report, text, context.Output, dry);
        return Conclude(replayer.Report, path, interfaceName, injector, context);
    }

    private static void RunToEnd(PacketReplayer replayer, ReplayOptions options, CaptureFileReader first, string path, TextWriter text, CommandContext context)
    {
        CaptureFileReader? next = first;
        try
        {
            replayer.Run(() => Interlocked.Exchange(ref next, null) ?? CaptureFile.OpenRead(path, context.Signals.Token), context.Signals.Token);
        }
        catch (IOException) when (replayer.Report.Packets > 0)
        {
            WriteSummary(replayer.Report, text, context.Output);
            throw;
        }

        FilterWords.CheckAfter(options.Filter, first);
    }

    private static ReplayOptions ReadOptions(ParseResult parsed, string path)
    {
        string expression = FilterWords.Join(parsed.GetValue(Filter));
        long loop = parsed.GetValue(Loop);
        long? limit = parsed.GetValue(Limit);
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
            Duration = parsed.GetValue(Duration) is { } duration ? Quantity.Duration(duration) : null,
            MaxGap = parsed.GetValue(MaxGap) is { } gap ? Quantity.Duration(gap) : null,
            Filter = expression.Length == 0 ? null : new LinkTypeFilter(expression),
        };
    }

    private static ReplayPace ReadPace(ParseResult parsed)
    {
        string? speed = parsed.GetValue(Speed);
        long? pps = parsed.GetValue(Pps);
        string? rate = parsed.GetValue(Rate);
        bool top = parsed.GetValue(TopSpeed);
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

    private static int Conclude(ReplayReport report, string path, string? interfaceName, LinkInjector? injector, CommandContext context)
    {
        context.Output.Flush();
        if (report.Truncated > 0)
        {
            context.Output.Warn($"{report.Truncated} packets were cut when they were captured; what the capture holds of them was sent.");
        }

        foreach (InjectionFailure failure in report.Failures)
        {
            context.Output.Warn(Printable.Escape($"{failure.Packets} packets were not sent: {failure.Reason}."));
        }

        if (report.Damage is { } damage)
        {
            context.Output.Warn(Printable.Escape(damage.Message));
            return CommandRunner.CodeOf(damage);
        }

        if (report.Packets > 0)
        {
            return report.Failed > 0 ? ExitCode.Failed : ExitCode.Done;
        }

        if (report.Interrupted)
        {
            context.Output.Warn("interrupted before a packet was sent.");
            return ExitCode.Interrupted;
        }

        context.Output.Warn(Printable.Escape($"{path}: no packet was sent: {WhyNothing(report, interfaceName, injector)}."));
        return report is { Failed: 0, Skipped: 0 } ? ExitCode.BadInput : ExitCode.Failed;
    }

    private static string WhyNothing(ReplayReport report, string? interfaceName, LinkInjector? injector) => report switch
    {
        { Failed: > 0 } => "the kernel took none",
        { OtherLinkType: > 0, FirstOtherLinkType: { } type } =>
            $"its {report.OtherLinkType} packets are of link type {type.GetName()}, and interface {interfaceName} carries {injector?.LinkType.GetName()}",
        { NotMatching: > 0 } => $"none of its {report.NotMatching} packets matches the filter",
        _ => "it holds none",
    };

    private static void WriteSummary(ReplayReport report, TextWriter text, CommandOutput output, bool dry = false)
    {
        if (output.Json)
        {
            WriteJson(report, output);
            return;
        }

        CultureInfo culture = CultureInfo.InvariantCulture;
        text.WriteLine(string.Create(culture,
            $"{(dry ? "Dry run" : "Actual")}: {report.Packets} packets ({report.Bytes} bytes) {(dry ? "would be sent" : "sent")} in {report.ElapsedNanoseconds / 1e9:F6} seconds"));
        text.WriteLine(string.Create(culture, $"Rated: {report.PacketsPerSecond:F2} packets/s, {report.DataRate}"));
        if (report.Failed + report.Skipped > 0)
        {
            text.WriteLine(string.Create(culture,
                $"Not sent: {report.Failed} failed, {report.NotMatching} did not match, {report.OtherLinkType} of another link type"));
        }

        if (report.Timing.Count > 0 && !dry)
        {
            text.WriteLine(string.Create(culture,
                $"Timing error: p50 {Milliseconds(report.Timing.Percentile(0.5)):F3} ms, p99 {Milliseconds(report.Timing.Percentile(0.99)):F3} ms, max {Milliseconds(report.Timing.Maximum):F3} ms"));
        }
    }

    private static void WriteJson(ReplayReport report, CommandOutput output) => output.WriteJson("summary", json =>
    {
        json.WriteNumber("packets", report.Packets);
        json.WriteNumber("bytes", report.Bytes);
        json.WriteNumber("elapsed_ms", Milliseconds(report.ElapsedNanoseconds));
        json.WriteNumber("packets_per_second", report.PacketsPerSecond);
        json.WriteNumber("bits_per_second", report.DataRate.BitsPerSecond);
        json.WriteNumber("failed", report.Failed);
        json.WriteNumber("skipped", report.Skipped);
        json.WriteNumber("truncated", report.Truncated);
        json.WriteBoolean("interrupted", report.Interrupted);
        json.WriteStartObject("timing_error_ms");
        json.WriteNumber("p50", Milliseconds(report.Timing.Percentile(0.5)));
        json.WriteNumber("p99", Milliseconds(report.Timing.Percentile(0.99)));
        json.WriteNumber("max", Milliseconds(report.Timing.Maximum));
        json.WriteEndObject();
    });

    private static string Counters(ReplayReport report) =>
        string.Create(CultureInfo.InvariantCulture, $"{report.Packets} packets ({report.Bytes} bytes) sent, {report.Skipped} skipped");

    private static double Milliseconds(long nanoseconds) => nanoseconds / 1e6;
}
