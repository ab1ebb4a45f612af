using System.CommandLine;
using System.Globalization;
using Interceptor.Capture.Live;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor capture -i IF ...</c>: packets of an interface to the screen or into a file.</summary>
internal static class CaptureCommand
{
    private static readonly Option<string> Interface = new("-i", "--interface")
    {
        Description = "The interface; any for all of them. See: interceptor interfaces.",
        HelpName = "IF",
        Required = true,
    };

    private static readonly Option<long?> Count = new("-c", "--count") { Description = "Stop after N packets.", HelpName = "N" };

    private static readonly Option<int> SnapLength = new("-s", "--snapshot-length")
    {
        Description = "Bytes kept of a packet, 1 to 262144; 0 is the most.",
        HelpName = "SNAPLEN",
        DefaultValueFactory = static _ => LiveCaptureOptions.MaximumSnapLength,
    };

    private static readonly Option<bool> NotPromiscuous = new("-p", "--no-promiscuous-mode") { Description = "Only packets for this machine." };

    private static readonly Option<string?> BufferSize = new("-B", "--buffer-size")
    {
        Description = "Size of the kernel's ring, as 64MiB (default 8MiB).",
        HelpName = "SIZE",
    };

    private static readonly Option<bool> Immediate = new("--immediate")
    {
        Description = "Hand over each packet as it comes, instead of gathering for up to 100 ms.",
    };

    private static readonly PacketPrintOptions PrintOptions = new();
    private static readonly Argument<string[]> Filter = FilterWords.CreateArgument();

    internal static Command Create()
    {
        var command = new Command("capture", "Captures packets on an interface, to the screen or into a file.")
        {
            Interface, Count, SnapLength, NotPromiscuous, BufferSize, Immediate, Filter,
        };
        foreach (Option option in (IEnumerable<Option>)[.. CaptureFileOptions.All, .. CaptureOwnerOptions.All, CapturePrivileges.Option, .. PrintOptions.All])
        {
            command.Options.Add(option);
        }

        command.SetBody(Run);
        return command;
    }

    private static int Run(ParseResult parsed, CommandContext context)
    {
        string? path = CaptureFileOptions.PathOf(parsed);
        OutputFile.Check(path, context.Output);
        long limit = parsed.GetValue(Count) ?? long.MaxValue;
        if (limit <= 0)
        {
            throw new UsageException("-c wants a number above 0.");
        }

        CaptureRotation? rotation = CaptureFileOptions.RotationOf(parsed);
        UserAccount? user = CapturePrivileges.Find(parsed);
        using SocketOwnerWatch? owners = CaptureOwnerOptions.Watch(parsed, context.Output, out OwnerPacketSelector? selector);
        using var source = new LivePacketSource(LiveCapture.Open(CaptureOwnerOptions.Adapt(OptionsOf(parsed), parsed), context.Signals.Token), selector);
        Announce(source.Capture, context.Output);
        CapturePrivileges.Drop(user, path, context.Output);
        PacketPrintFormat format = PrintOptions.Read(parsed, context.Output);
        Action report = () => Report(source.Capture.Statistics, context.Output);
        context.Signals.StatisticsRequested += report;
        try
        {
            if (path is null)
            {
                Print(source, limit, format, context.Output);
            }
            else
            {
                using var recorder = new LiveRecorder(source, path, rotation);
                recorder.Run(limit);
            }
        }
        finally
        {
            context.Signals.StatisticsRequested -= report;
            source.Capture.Stop();
            Summarize(source, selector, context.Output);
        }

        return ExitCode.Done;
    }

    private static LiveCaptureOptions OptionsOf(ParseResult parsed)
    {
        int snapLength = parsed.GetValue(SnapLength);
        if (snapLength is < 0 or > LiveCaptureOptions.MaximumSnapLength)
        {
            throw new UsageException($"-s wants a number of bytes from 0 to {LiveCaptureOptions.MaximumSnapLength}.");
        }

        var options = new LiveCaptureOptions
        {
            Interface = parsed.GetRequiredValue(Interface),
            Filter = FilterWords.Join(parsed.GetValue(Filter)),
            SnapLength = snapLength == 0 ? LiveCaptureOptions.MaximumSnapLength : snapLength,
            Promiscuous = !parsed.GetValue(NotPromiscuous),
            Immediate = parsed.GetValue(Immediate),
        };
        if (options.Interface.Length == 0)
        {
            throw new UsageException("-i wants the name of an interface. See: interceptor interfaces.");
        }

        if (parsed.GetValue(BufferSize) is not { } text)
        {
            return options;
        }

        long bytes = Quantity.Size(text);
        return bytes is > 0 and <= int.MaxValue
            ? options with { BufferBytes = (int)bytes }
            : throw new UsageException($"-B wants a size from 1 byte to 2 GiB, not '{text}'.");
    }

    private static void Announce(LiveCapture capture, CommandOutput output)
    {
        if (capture.Warning is { } warning)
        {
            output.Warn(Printable.Escape(warning));
        }

        output.Error.WriteLine(
            $"listening on {Printable.Escape(capture.Options.Interface)}, link-type {capture.LinkType.GetName()}, snapshot length {capture.SnapLength} bytes");
    }

    private static void Print(LivePacketSource source, long limit, PacketPrintFormat format, CommandOutput output)
    {
        var printer = new PacketPrinter(output, source, format);
        for (long taken = 0; taken < limit; taken++)
        {
            if (source.WouldWait)
            {
                output.Flush();
            }

            if (!source.TryRead(out CapturedPacket packet))
            {
                break;
            }

            printer.Write(packet);
        }
    }

    private static void Summarize(LivePacketSource source, OwnerPacketSelector? selector, CommandOutput output)
    {
        LiveCaptureStatistics statistics = source.Capture.Statistics;
        if (output.Json)
        {
            output.WriteJson("summary", json =>
            {
                json.WriteNumber("captured", source.PacketsRead);
                if (selector is not null)
                {
                    json.WriteNumber("other", source.PacketsPassedOver);
                    json.WriteNumber("unattributed", selector.Unattributed);
                }

                json.WriteNumber("received", statistics.Received);
                json.WriteNumber("dropped_kernel", statistics.DroppedByKernel);
                json.WriteNumber("dropped_interface", statistics.DroppedByInterface);
                json.WriteNumber("dropped_user", statistics.DroppedByUser);
            });
        }

        // The last packets' lines before the counts.
        output.Flush();
        output.Error.WriteLine(Packets(source.PacketsRead, "captured"));
        if (selector is not null)
        {
            output.Error.WriteLine(Packets(source.PacketsPassedOver, "of other sockets"));
            output.Error.WriteLine(Packets(selector.Unattributed, "of no socket that was found"));
        }

        Report(statistics, output);
    }

    private static void Report(LiveCaptureStatistics statistics, CommandOutput output)
    {
        output.Error.WriteLine(Packets(statistics.Received, "received by filter"));
        output.Error.WriteLine(Packets(statistics.DroppedByKernel, "dropped by kernel"));
        output.Error.WriteLine(Packets(statistics.DroppedByInterface, "dropped by interface"));
        output.Error.WriteLine(Packets(statistics.DroppedByUser, "dropped by us (queue full)"));
    }

    private static string Packets(long count, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? "packet" : "packets")} {what}");
}
