using System.CommandLine;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Capture.Injection;
using Interceptor.Cli.Input;
using Interceptor.Cli.Replaying;
using Interceptor.Cli.Rewriting;
using Interceptor.Filters;
using Interceptor.Replay;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor replay FILE -i IF</c> sends a capture again; with <c>--to HOST</c> or <c>--as-server</c> its connections are played to a real peer.</summary>
internal static class ReplayCommand
{
    private static readonly Argument<string> File = new("FILE") { Description = "The capture; - is standard input." };
    private static readonly Argument<string[]> Filter = FilterWords.CreateArgument();
    private static readonly TargetArguments Target = new();
    private static readonly SideArguments Sides = new();
    private static readonly PaceArguments Pace = new();
    private static readonly StatefulArguments Stateful = new();
    private static readonly PacketEditArguments Edits = new();
    private static readonly Option<string> Write = new("--write", "-w") { Description = "Write what is sent to a capture, with the times of sending.", HelpName = "FILE" };

    internal static Command Create()
    {
        var command = new Command("replay", "Sends a capture again, with its timing or at a pace, or plays its connections to a real peer.") { File, Filter };
        foreach (Option option in (IEnumerable<Option>)[.. Target.All, .. Sides.All, .. Pace.All, .. Stateful.All, .. Edits.All, Write])
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
        LinkTypeFilter? filter = expression.Length == 0 ? null : new LinkTypeFilter(expression);
        ReplayOptions options = Pace.Read(parsed, path) with { Filter = filter };
        EditedReplay? edited = Edits.Read(parsed) is { AreNone: false } edits ? new EditedReplay(edits, filter) : null;
        if (Stateful.IsAsked(parsed))
        {
            return edited is null ? StatefulReplay.Run(parsed, Stateful, options, path, context)
                : throw new UsageException("packets are edited on their way to an interface: --to and --as-server play what they carry, and take no edits.");
        }

        // The filter is before the edits then, and sees packets as they were captured.
        options = edited is null ? options : options with { Filter = null };
        TimeSpan? interval = Pace.Interval(parsed);
        Target.Check(parsed);
        string? write = parsed.GetValue(Write);
        OutputFile.Check(write, context.Output);
        bool dry = Target.IsDry(parsed);
        using TwoSidedReplay? sides = Sides.Read(parsed, Target.InterfaceOf(parsed), dry, options, write);
        using ReplayCapture capture = ReplayCapture.Open(path, filter, reader => Around(reader, sides, edited), context.Signals.Token);
        sides?.Prepare(path, capture.First, context);
        using IPacketInjector? injector = sides is null ? Target.Open(parsed) : sides.Open(dry, Target.OptionsOf(parsed));
        using CaptureFileWriter? copy = write is null ? null : CaptureFile.Create(write, CaptureFileMode.Replace);
        PausableReplayClock? clock = dry ? null : new PausableReplayClock();
        options = options with { Accepts = injector is null ? null : injector.Accepts };
        StepInput? steps = options.Pace.Kind == ReplayPaceKind.Step ? StepInput.Start(prints: write != CaptureFile.StandardStream, context.Output) : null;
        var replayer = new PacketReplayer(
            (IPacketSink?)injector ?? new DiscardingSink(), options, (IReplayClock?)clock ?? new VirtualReplayClock(), copy is null ? null : sides?.Copy(copy) ?? copy, steps);
        var run = new ReplayRun(replayer, capture, options, clock, context)
        {
            Interval = interval,
            Preloads = Pace.IsPreloaded(parsed),
            Sides = sides,
            Edited = edited,
            Text = OutputFile.TextBeside(write, context.Output),
        };
        run.Run();
        copy?.Commit();
        sides?.Conclude(context.Output);
        return ReplayVerdict.Conclude(replayer.Report, path, injector, context.Output);
    }

    private static IPacketSource Around(CaptureFileReader reader, TwoSidedReplay? sides, EditedReplay? edited)
    {
        IPacketSource source = sides?.Around(reader) ?? reader;
        return edited?.Around(source) ?? source;
    }
}
