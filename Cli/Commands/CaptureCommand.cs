using System.CommandLine;
using System.Text.Json;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Capture.Live;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor capture -i IF ...</c>: packets of interfaces to the screen, into a file, or both.</summary>
internal static class CaptureCommand
{
    private static readonly Option<long?> Count = new("-c", "--count") { Description = "Stop after N packets.", HelpName = "N" };
    private static readonly Option<bool> AlsoPrint = new("--print") { Description = "With -w: print the packets too." };
    private static readonly PacketPrintOptions PrintOptions = new();
    private static readonly Argument<string[]> Filter = FilterWords.CreateArgument();

    internal static Command Create()
    {
        var command = new Command("capture", "Captures packets on interfaces, to the screen or into a file.") { Filter };
        foreach (Option option in (IEnumerable<Option>)[.. CaptureInterfaceOptions.All, Count, .. CaptureFileOptions.All, AlsoPrint, .. CaptureOwnerOptions.All, CapturePrivileges.Option, .. PrintOptions.All])
        {
            command.Options.Add(option);
        }

        command.SetBody(Run);
        return command;
    }

    private static int Run(ParseResult parsed, CommandContext context)
    {
        if (CaptureInterfaceOptions.WantsTimeSources(parsed))
        {
            return ListTimeSources(parsed, context.Output);
        }

        string? path = CaptureFileOptions.PathOf(parsed);
        bool prints = path is null || parsed.GetValue(AlsoPrint);
        OutputFile.Check(path, context.Output);
        if (path == CaptureFile.StandardStream && prints)
        {
            throw new UsageException("-w - and --print both take standard output.");
        }

        long limit = parsed.GetValue(Count) ?? long.MaxValue;
        if (limit <= 0)
        {
            throw new UsageException("-c wants a number above 0.");
        }

        CaptureRecordingOptions? file = CaptureFileOptions.Read(parsed, context.Output);
        CaptureRecording? recording = file is null ? null : new CaptureRecording(file, context);
        LiveCaptureOptions[] options = [.. CaptureInterfaceOptions.Read(parsed, FilterWords.Join(parsed.GetValue(Filter))).Select(at => CaptureOwnerOptions.Adapt(at, parsed))];
        PacketPrintFormat printFormat = PrintOptions.Read(parsed, context.Output);
        CaptureFileFormat? format = file is null ? null : file.Format ?? CaptureFile.FormatOfName(file.Path);
        CaptureOwnerOptions.Check(parsed, format);
        UserAccount? user = CapturePrivileges.Find(parsed);
        OwnerPacketSelector? selector = null;
        using SocketOwnerWatch? owners = CaptureInterfaceOptions.InNamespace(parsed, () => CaptureOwnerOptions.Watch(parsed, context.Output, out selector));
        using var source = new LivePacketSource(CaptureInterfaceOptions.InNamespace(parsed,
            () => LiveCapture.Open(options, notice => context.Output.Warn(Printable.Escape(notice)), context.Signals.Token)), selector);
        if (format is { } written)
        {
            CheckLinkTypes(source, written);
        }

        var report = new CaptureReport(source, selector, recording, context.Output);
        report.Announce();
        CapturePrivileges.Drop(user, path, CaptureOwnerOptions.NeedsProcesses(parsed), context.Output);
        context.Signals.StatisticsRequested += report.Write;
        context.Signals.SecondEndsAtOnce = recording is null;
        try
        {
            using PrintingSink? printer = prints ? new PrintingSink(new PacketPrinter(context.Output, source, printFormat), context.Output) : null;
            if (recording is null)
            {
                Print(source, limit, printer!);
            }
            else
            {
                using ProgressLine? progress = prints ? null : new ProgressLine(context.Output.Error, report.Line);
                context.Output.ClearLine = progress is null ? null : progress.Clear;
                recording.Run(source, limit, printer);
            }
        }
        finally
        {
            context.Signals.StatisticsRequested -= report.Write;
            source.Dispose();
            report.Summarize();
        }

        return ExitCode.Done;
    }

    private static int ListTimeSources(ParseResult parsed, CommandOutput output)
    {
        int listed = 0;
        foreach (string name in CaptureInterfaceOptions.NamesOf(parsed))
        {
            IReadOnlyList<TimeSource> sources = CaptureInterfaceOptions.InNamespace(parsed, () => TimeSource.Of(name));
            listed += sources.Count;
            foreach (TimeSource at in sources)
            {
                if (output.Json)
                {
                    output.WriteJson("time_source", json => WriteFields(json, name, at));
                }
                else
                {
                    output.Text.Write($"{Printable.Escape(name)}: {Printable.Escape(at.Name)} ({Printable.Escape(at.Description)})\n");
                }
            }

            if (sources.Count == 0 && !output.Json)
            {
                output.Text.Write($"{Printable.Escape(name)}: no choice, the kernel stamps\n");
            }
        }

        if (output.Json)
        {
            output.WriteJson("summary", json => json.WriteNumber("time_sources", listed));
        }

        return ExitCode.Done;
    }

    private static void WriteFields(Utf8JsonWriter json, string name, TimeSource source)
    {
        json.WriteString("interface", name);
        json.WriteString("name", source.Name);
        json.WriteString("description", source.Description);
    }

    /// <summary>pcap holds one link type: better said before a file of that name is emptied.</summary>
    private static void CheckLinkTypes(LivePacketSource source, CaptureFileFormat format)
    {
        CaptureInterface first = source.Interfaces[0];
        CaptureInterface? other = source.Interfaces.FirstOrDefault(at => at.LinkType != first.LinkType);
        if (format == CaptureFileFormat.Pcap && other is not null)
        {
            throw new UsageException(
                $"pcap holds one link type, and {first.Name} has {first.LinkType.GetName()} where {other.Name} has {other.LinkType.GetName()}: write pcapng, or capture them apart.");
        }
    }

    private static void Print(LivePacketSource source, long limit, PrintingSink printer)
    {
        for (long taken = 0; taken < limit; taken++)
        {
            if (source.WouldWait)
            {
                printer.Flush();
            }

            if (!source.TryRead(out CapturedPacket packet))
            {
                break;
            }

            printer.Write(packet);
        }
    }
}
