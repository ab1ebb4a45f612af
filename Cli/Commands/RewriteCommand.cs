using System.CommandLine;
using System.Globalization;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;
using Interceptor.Cli.Rewriting;
using Interceptor.Filters;
using Interceptor.Packets;
using Interceptor.Replay.Rewriting;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor rewrite FILE -o OUT</c>: writes a capture again with its packets edited, and nothing else of it lost.</summary>
internal static class RewriteCommand
{
    private static readonly Argument<string> File = new("FILE")
    {
        Description = "The capture: pcap or pcapng, also compressed with gzip or Zstandard; - is standard input. " + CaptureLimits.Text,
    };

    private static readonly Argument<string[]> Filter = new("filter")
    {
        Description = "Only packets that match this expression (man pcap-filter), as they were captured, are written.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<string> Out = new("--output", "-o")
    {
        Description = "The capture to write: pcapng with all that FILE holds, or pcap if the name ends in .pcap or .cap; compressed if .gz or .zst follows; - is standard output. "
            + "It gets its name when it is whole, so that it may be FILE itself.",
        HelpName = "OUT",
        Required = true,
    };

    private static readonly FileArguments Files = new();
    private static readonly SelectionArguments Selection = new();
    private static readonly PacketEditArguments Edits = new();

    internal static Command Create()
    {
        var command = new Command("rewrite", "Writes a capture again with its packets edited: each stays valid, and what can't be edited is listed, not damaged.")
        {
            File, Filter, Out,
        };
        foreach (Option option in (IEnumerable<Option>)[.. Files.All, .. Selection.All, .. Edits.All])
        {
            command.Options.Add(option);
        }

        command.SetBody(Run);
        return command;
    }

    private static int Run(ParseResult parsed, CommandContext context)
    {
        string path = parsed.GetRequiredValue(File);
        string output = parsed.GetRequiredValue(Out);
        RewritePlan plan = ReadPlan(parsed);
        SplitChoice? split = Files.Split(parsed, output);
        plan = plan with { Connections = split is { Kind: SplitKind.Connection } ? new ConnectionIds() : null };
        OutputFile.Check(output, context.Output, "-o");
        context.Signals.SecondEndsAtOnce = true;
        using RewriteInput input = RewriteInput.Open([path, .. Files.MergedWith(parsed)], plan.Filter, context.Signals.Token);
        ICaptureFileSource reader = input.Source;
        using ICaptureCopy copy = OpenCopy(reader, output, split, plan);
        var report = new RewriteReport();
        CaptureFileException? damage;
        using (IPacketSource stages = plan.Over(reader, report))
        using (ProgressLine.OfReading(context.Output, () => reader, () => Counters(reader, copy)))
        {
            damage = CopyAll(stages, copy, input, context);
        }

        input.CheckFilter(plan.Filter);
        var summary = new RewriteSummary(reader, copy, report, plan.Edits, damage);
        summary.Write(OutputFile.TextBeside(output, context.Output), context.Output);
        return summary.Conclude(path, context.Output);
    }

    private static ICaptureCopy OpenCopy(ICaptureFileSource reader, string output, SplitChoice? split, RewritePlan plan)
    {
        bool leavesOutAddresses = plan.Edits?.Anonymisation is not null;
        return split is null
            ? new CaptureFileCopier(reader, CaptureFile.CreateCopy(output, reader)) { LeavesOutAddresses = leavesOutAddresses }
            : new CaptureFileSplitter(reader, output, split.Kind, split.Amount, () => plan.Connections!.Latest, leavesOutAddresses);
    }

    private static RewritePlan ReadPlan(ParseResult parsed)
    {
        string expression = FilterWords.Join(parsed.GetValue(Filter));
        return Selection.Read(parsed, new RewritePlan
        {
            Filter = expression.Length == 0 ? null : new LinkTypeFilter(expression),
            Edits = Edits.Read(parsed),
        });
    }

    /// <summary>Damage of the capture ends it, and what was read before it is written; interruption of a file leaves no half of one.</summary>
    private static CaptureFileException? CopyAll(IPacketSource stages, ICaptureCopy copy, RewriteInput input, CommandContext context)
    {
        CaptureFileException? damage = null;
        input.Source.BeforeRead = copy.Flush;
        try
        {
            while (!context.Signals.Token.IsCancellationRequested && stages.TryRead(out CapturedPacket packet))
            {
                Copy(copy, packet, (stages as RewriteStage)?.Outcome ?? RewriteOutcome.AsRead);
            }
        }
        catch (CaptureFileException exception) when (exception.Fault is not (CaptureFileFault.Unsupported or CaptureFileFault.Unwritable))
        {
            damage = exception;
        }

        if (context.Signals.Token.IsCancellationRequested && input.IsOfFiles && copy.IsWrittenAside)
        {
            throw new OperationCanceledException(context.Signals.Token);
        }

        copy.Commit();
        return damage;
    }

    private static void Copy(ICaptureCopy copier, in CapturedPacket packet, RewriteOutcome outcome)
    {
        switch (outcome)
        {
            case RewriteOutcome.AsRead:
                copier.Copy(packet);
                break;
            case RewriteOutcome.LaterPiece:
                copier.CopyPiece(packet);
                break;
            default:
                copier.CopyChanged(packet);
                break;
        }
    }

    private static string Counters(ICaptureFileSource reader, ICaptureCopy copy) => string.Create(CultureInfo.InvariantCulture,
        $"{reader.PacketsRead} packets read, {copy.PacketsWritten} written");
}
