using System.CommandLine;
using System.Globalization;
using Interceptor.Capture.Files;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor info FILE...</c>: what capture files hold.</summary>
internal static class InfoCommand
{
    private static readonly Argument<string[]> Files = new("FILE")
    {
        Description = "Capture files: pcap or pcapng, also compressed with gzip or Zstandard; - is standard input. " + CaptureLimits.Text,
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<bool> Hash = new("--hash")
    {
        Description = "Add the SHA-256 of the file and over all packets: time in ns (u64 LE), captured and original length (u32 LE), captured bytes.",
    };

    private static readonly Option<bool> Table = new("--table", "-T") { Description = "One line for each file." };

    internal static Command Create()
    {
        var command = new Command("info", "Tells what capture files hold: packets, bytes, link types, times, rates, interfaces, drops, comments.") { Files, Hash, Table };
        command.SetBody(Run);
        return command;
    }

    private static int Run(ParseResult parsed, CommandContext context)
    {
        int code = ExitCode.Done;
        int damaged = 0;
        long packets = 0;
        int read = 0;
        string[] files = parsed.GetRequiredValue(Files);
        InputFile.Check(files);
        bool isTable = parsed.GetValue(Table);
        if (isTable && !context.Output.Json)
        {
            CaptureInfoText.WriteTableHead(context.Output.Text);
        }

        context.Signals.SecondEndsAtOnce = true;
        for (; read < files.Length && !context.Signals.Stopped; read++)
        {
            if (Read(files[read], parsed.GetValue(Hash), packets, context) is not { } summary)
            {
                break;
            }

            packets += summary.Packets;
            if (context.Output.Json)
            {
                context.Output.WriteJson("capture", json => CaptureInfoJson.Write(json, summary));
            }
            else if (isTable)
            {
                CaptureInfoText.WriteTableLine(context.Output.Text, summary);
            }
            else if (summary.Format is not null)
            {
                CaptureInfoText.Write(context.Output.Text, summary);
            }

            if (summary.WasInterrupted)
            {
                context.Output.Flush();
                context.Output.Warn(Printable.Escape($"{summary.Path}: interrupted: only its first {summary.Packets.ToString(CultureInfo.InvariantCulture)} packets were read."));
            }

            if (summary.Error is { } error)
            {
                damaged++;
                code = code == ExitCode.Done ? CommandRunner.CodeOf(error) : code;
                context.Output.Flush();
                context.Output.Warn(Printable.Escape(error.Message));
            }
        }

        bool interrupted = context.Signals.Stopped;
        if (interrupted && packets == 0)
        {
            throw new OperationCanceledException(context.Signals.Token);
        }

        if (context.Output.Json)
        {
            context.Output.WriteJson("summary", json =>
            {
                json.WriteNumber("files", read);
                json.WriteNumber("packets", packets);
                json.WriteNumber("damaged", damaged);
                json.WriteBoolean("interrupted", interrupted);
            });
        }

        context.Output.Flush();
        if (interrupted && read < files.Length)
        {
            context.Output.Warn($"interrupted: {files.Length - read} of {files.Length} files were not read.");
        }

        return code;
    }

    /// <summary>Null where the reading was ended before the file told anything.</summary>
    private static CaptureFileSummary? Read(string file, bool hash, long packetsBefore, CommandContext context)
    {
        CaptureFileReader? reader = null;
        try
        {
            using ProgressLine progress = ProgressLine.OfReading(context.Output, () => reader, () => string.Create(CultureInfo.InvariantCulture,
                $"{Printable.Escape(Path.GetFileName(file))}: {reader?.PacketsRead ?? 0} packets"));
            return CaptureFileSummary.Read(file, hash, opened => reader = opened, context.Signals.Token);
        }
        catch (OperationCanceledException) when (packetsBefore > 0)
        {
            return null;
        }
    }
}
