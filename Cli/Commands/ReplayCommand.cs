using System.CommandLine;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Capture.Injection;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;
using Interceptor.Cli.Replaying;
using Interceptor.Filters;
using Interceptor.Replay;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor replay FILE -i IF</c>: sends a capture again.</summary>
internal static class ReplayCommand
{
    private static readonly Argument<string> File = new("FILE") { Description = "The capture; - is standard input." };
    private static readonly Argument<string[]> Filter = FilterWords.CreateArgument();
    private static readonly TargetArguments Target = new();
    private static readonly SideArguments Sides = new();
    private static readonly PaceArguments Pace = new();
    private static readonly Option<string> Write = new("--write", "-w") { Description = "Write what is sent to a capture, with the times of sending.", HelpName = "FILE" };

    internal static Command Create()
    {
        var command = new Command("replay", "Sends a capture again, with its timing or at a pace.") { File, Filter };
        foreach (Option option in (IEnumerable<Option>)[.. Target.All, .. Sides.All, .. Pace.All, Write])
        {
            command.Options.Add(option);
        }

        command.SetBody(Run);
        return command;
    }

    private static int Run(ParseResult parsed, CommandContext context)
    {
        string path = parsed.GetRequiredValue(File);
        string expression = FilterWords.Join(parsed.GetValue(Filter));
        ReplayOptions options = Pace.Read(parsed, path) with { Filter = expression.Length == 0 ? null : new LinkTypeFilter(expression) };
        Target.Check(parsed);
        OutputFile.Check(parsed.GetValue(Write), context.Output);
        bool dry = Target.IsDry(parsed);
        using TwoSidedReplay? sides = Sides.Read(parsed, Target.InterfaceOf(parsed), dry, options, parsed.GetValue(Write));
        using ReplayCapture capture = ReplayCapture.Open(path, options.Filter, sides is null ? null : sides.Around, context.Signals.Token);
        sides?.Prepare(path, capture.First, context);
        using IPacketInjector? injector = sides is null ? Target.Open(parsed) : sides.Open(dry);
        using CaptureFileWriter? copy = parsed.GetValue(Write) is { } output ? CaptureFile.Create(output, CaptureFileMode.Replace) : null;
        options = options with { Accepts = injector is null ? null : injector.Accepts };
        var replayer = new PacketReplayer((IPacketSink?)injector ?? new DiscardingSink(), options, dry ? new VirtualReplayClock() : null, copy is null ? null : sides?.Copy(copy) ?? copy);
        Replay(replayer, capture, OutputFile.TextBeside(parsed.GetValue(Write), context.Output), dry, sides, context);
        copy?.Commit();
        sides?.Conclude(context.Output);
        return ReplayVerdict.Conclude(replayer.Report, path, injector, context.Output);
    }

    private static void Replay(PacketReplayer replayer, ReplayCapture capture, TextWriter text, bool dry, TwoSidedReplay? sides, CommandContext context)
    {
        string Counters() => ReplaySummary.Counters(replayer.Report);
        context.Signals.StatisticsRequested += () => context.Output.Warn(Counters());
        try
        {
            using (new ProgressLine(context.Output.Error, Counters))
            {
                replayer.Run(capture.OpenNext, context.Signals.Token);
            }

            capture.CheckFilter();
        }
        catch (IOException) when (replayer.Report.Packets > 0)
        {
            ReplaySummary.Write(replayer.Report, text, context.Output, dry, sides);
            throw;
        }

        ReplaySummary.Write(replayer.Report, text, context.Output, dry, sides);
    }
}
