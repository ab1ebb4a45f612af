using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;
using Interceptor.Filters;
using Interceptor.Packets;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor read FILE</c>: prints packets in tcpdump's notation, or writes the matching ones.</summary>
internal static class ReadCommand
{
    private static readonly Argument<string> File = new("FILE")
    {
        Description = "The capture: pcap or pcapng, also compressed with gzip or Zstandard; - is standard input. Needed except with --explain. " + CaptureLimits.Text,
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Argument<string[]> Filter = FilterWords.CreateArgument();
    private static readonly Option<string> Write = new("--write", "-w")
    {
        Description = "Write the packets instead of printing them: pcapng with all that the capture holds, or pcap if the name ends in .pcap or .cap; compressed if .gz or .zst follows; - is standard output.",
        HelpName = "FILE",
    };

    private static readonly Option<long?> Count = new("--count", "-c") { Description = "End after so many packets.", HelpName = "N" };
    private static readonly Option<long> Skip = new("--skip") { Description = "Pass over the first N matching packets.", HelpName = "N" };
    private static readonly PacketPrintOptions Print = new();

    private static readonly Option<string> Explain = new("--explain")
    {
        HelpName = "FILTER",
        Description = "Read no packet: print what this filter, given as one word, compiles to and where it can run; for FILE's link types if there is one.",
    };

    private static readonly Option<bool> Follow = new("--follow", "-f") { Description = "At the end of the file wait for more, until Ctrl-C or -c." };

    internal static Command Create()
    {
        var command = new Command("read", "Prints the packets of a capture in tcpdump's notation (times of day in UTC), or writes the matching ones.")
        {
            File, Filter, Write, Count, Skip, Follow, Explain,
        };
        foreach (Option option in Print.All)
        {
            command.Options.Add(option);
        }

        command.Validators.Add(Validate);
        command.SetBody(Run);
        return command;
    }

    private static int Run(ParseResult parsed, CommandContext context)
    {
        if (parsed.GetValue(Explain) is { } explained)
        {
            return RunExplain(explained, parsed.GetValue(File), context);
        }

        string expression = FilterWords.Join(parsed.GetValue(Filter));
        LinkTypeFilter? filter = expression.Length == 0 ? null : new LinkTypeFilter(expression);
        (long Skip, long Count) range = (parsed.GetValue(Skip), parsed.GetValue(Count) ?? long.MaxValue);
        if (range.Count <= 0 || range.Skip < 0)
        {
            throw new UsageException("--count must be 1 or more, and --skip 0 or more.");
        }

        InputFile.Check(parsed.GetRequiredValue(File));
        OutputFile.Check(parsed.GetValue(Write), context.Output);
        context.Signals.SecondEndsAtOnce = true;
        bool follow = parsed.GetValue(Follow);
        using CaptureFileReader reader = Open(parsed.GetRequiredValue(File), follow, context);
        FilterWords.CheckBefore(filter, reader);
        if (parsed.GetValue(Write) is not { } output)
        {
            context.Output.HoldJson = true;
            return ReadAll(reader, filter, range, new Printer(reader, Print.Read(parsed, context.Output), context.Output), !follow, context);
        }

        using CaptureFileWriter writer = CaptureFile.CreateCopy(output, reader);
        var copier = new Copier(reader, writer, new CaptureFileCopier(reader, writer), context.Output);
        using ProgressLine progress = ProgressLine.OfReading(context.Output, () => reader, () => string.Create(CultureInfo.InvariantCulture,
            $"{reader.PacketsRead} packets read, {copier.Packets} written"));
        return ReadAll(reader, filter, range, copier, !follow, context);
    }

    private static void Validate(CommandResult result)
    {
        if (result.GetResult(Explain) is null)
        {
            if (result.GetResult(File) is not { Tokens.Count: > 0 })
            {
                result.AddError("Required argument missing for command: 'read'.");
            }
        }
        else if (result.GetResult(Filter) is { Tokens.Count: > 0 } || result.Children.OfType<OptionResult>().Any(IsOfPackets))
        {
            result.AddError("--explain takes the filter as one word, as: --explain 'tcp port 80'. Nothing but a FILE and --json goes with it.");
        }
    }

    private static bool IsOfPackets(OptionResult result) => !result.Implicit && result.Option != Explain && result.Option != CommandRunner.JsonOption;

    private static int RunExplain(string expression, string? file, CommandContext context)
    {
        CaptureFileSummary? capture = file is null ? null : CaptureFileSummary.Read(file, until: context.Signals.Token);
        if (capture is { Error: { } error, LinkTypes.Count: 0 })
        {
            throw error;
        }

        IReadOnlyList<LinkType> linkTypes = capture is { LinkTypes: { Count: > 0 } found } ? found : [LinkType.Ethernet, LinkType.Raw];
        ExplanationPrinter.Write(context.Output, FilterExplanation.Of(expression, linkTypes), capture?.Error?.Message);
        if (capture?.Error is not { } damage)
        {
            return ExitCode.Done;
        }

        context.Output.Flush();
        context.Output.Warn(Printable.Escape(damage.Message));
        return CommandRunner.CodeOf(damage);
    }

    private static CaptureFileReader Open(string file, bool follow, CommandContext context) => (file, follow) switch
    {
        (CaptureFile.StandardStream, true) => throw new UsageException("--follow is for files: standard input is read as it comes anyway."),
        (_, true) => CaptureFile.OpenFollowing(file, context.Signals.Token),
        _ => CaptureFile.OpenRead(file, context.Signals.Token),
    };

    private static int ReadAll(CaptureFileReader reader, LinkTypeFilter? filter, (long Skip, long Count) range, Consumer consumer, bool tellsInterruption, CommandContext context)
    {
        CaptureFileException? damage = null;
        bool interrupted = false;
        reader.BeforeRead = consumer.ShowSoFar;
        try
        {
            interrupted = !Consume(reader, filter, range, consumer, consumer.IsWatched ? context.Signals.Token : CancellationToken.None);
            FilterWords.CheckAfter(filter, reader);
        }
        catch (CaptureFileException exception) when (exception.Fault is not (CaptureFileFault.Unsupported or CaptureFileFault.Unwritable))
        {
            damage = exception;
        }

        if (interrupted && (consumer.Packets == 0 || consumer.IsLostUnlessWhole))
        {
            throw new OperationCanceledException(context.Signals.Token);
        }

        consumer.Conclude(interrupted, damage);
        context.Output.Flush();
        if (interrupted && tellsInterruption)
        {
            context.Output.Warn($"interrupted after {Counted.Of(reader.PacketsRead, "packet")}.");
        }

        if (damage is not null)
        {
            context.Output.Warn(Printable.Escape(damage.Message));
            return CommandRunner.CodeOf(damage);
        }

        return ExitCode.Done;
    }

    /// <summary>False where it was ended before the end of the capture and the limit.</summary>
    private static bool Consume(CaptureFileReader reader, LinkTypeFilter? filter, (long Skip, long Count) range, Consumer consumer, CancellationToken stop)
    {
        long skip = range.Skip;
        while (consumer.Packets < range.Count)
        {
            if (stop.IsCancellationRequested || !reader.TryRead(out CapturedPacket packet))
            {
                return !(stop.IsCancellationRequested || reader.WasInterrupted);
            }

            if ((filter is null || filter.Matches(packet)) && --skip < 0)
            {
                consumer.Take(packet);
            }
        }

        return true;
    }

    /// <summary>What becomes of the matching packets.</summary>
    private abstract class Consumer(CaptureFileReader reader, CommandOutput output)
    {
        internal long Packets { get; private set; }

        protected CaptureFileReader Reader => reader;

        protected CommandOutput Output => output;

        internal void Take(in CapturedPacket packet)
        {
            Packets++;
            Consume(packet);
        }

        /// <summary>Hands over what was made of the packets so far: the next one may be long in coming.</summary>
        internal virtual void ShowSoFar() => output.Flush();

        /// <summary>True where a person sees each packet, and wants no more of them after Ctrl-C; else what is already there is taken too.</summary>
        internal abstract bool IsWatched { get; }

        /// <summary>True where half of the result is worse than none: the file that is written gets its name when it is whole, and the source is still there.</summary>
        internal virtual bool IsLostUnlessWhole => false;

        internal virtual void Conclude(bool interrupted, CaptureFileException? damage)
        {
            if (output.Json)
            {
                output.WriteJson("summary", json =>
                {
                    json.WriteNumber("packets", Packets);
                    json.WriteNumber("packets_read", reader.PacketsRead);
                    json.WriteBoolean("interrupted", interrupted);
                    json.WriteString("error", damage?.Message);
                });
            }
        }

        protected abstract void Consume(in CapturedPacket packet);
    }

    private sealed class Copier(CaptureFileReader reader, CaptureFileWriter writer, CaptureFileCopier copier, CommandOutput output) : Consumer(reader, output)
    {
        internal override void ShowSoFar() => writer.Flush();

        internal override bool IsWatched => false;

        internal override bool IsLostUnlessWhole => Reader.InputLength is not null && writer.IsWrittenAside;

        internal override void Conclude(bool interrupted, CaptureFileException? damage)
        {
            copier.Commit();
            base.Conclude(interrupted, damage);
        }

        protected override void Consume(in CapturedPacket packet) => copier.Copy(packet);
    }

    private sealed class Printer(CaptureFileReader reader, PacketPrintFormat format, CommandOutput output) : Consumer(reader, output)
    {
        private readonly PacketPrinter _printer = new(output, reader, format);

        internal override bool IsWatched => true;

        protected override void Consume(in CapturedPacket packet) => _printer.Write(packet);
    }
}
