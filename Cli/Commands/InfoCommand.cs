using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;
using Interceptor.Packets;

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
        Description = "Add the SHA-256 over all packets: time in ns (u64 LE), captured and original length (u32 LE), captured bytes.",
    };

    internal static Command Create()
    {
        var command = new Command("info", "Tells what capture files hold: packets, bytes, link types, times, drops.") { Files, Hash };
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
                context.Output.WriteJson("capture", json => WriteFields(json, summary));
            }
            else if (summary.Format is not null)
            {
                WriteText(context.Output.Text, summary);
            }

            if (summary.WasInterrupted)
            {
                context.Output.Flush();
                context.Output.Warn(Printable.Escape($"{summary.Path}: interrupted: only its first {Number(summary.Packets)} packets were read."));
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

    private static void WriteFields(Utf8JsonWriter json, CaptureFileSummary summary)
    {
        json.WriteString("file", summary.Path);
        json.WriteString("format", FormatName(summary.Format));
        json.WriteStartArray("link_types");
        foreach (LinkType type in summary.LinkTypes)
        {
            json.WriteStringValue(type.GetName());
        }

        json.WriteEndArray();
        json.WriteNumber("packets", summary.Packets);
        json.WriteNumber("captured_bytes", summary.CapturedBytes);
        json.WriteNumber("original_bytes", summary.OriginalBytes);
        WriteInstant(json, "first_packet_ns", summary.FirstPacket);
        WriteInstant(json, "last_packet_ns", summary.LastPacket);
        json.WriteNumber("truncated_packets", summary.TruncatedPackets);
        WriteNumberOrNull(json, "dropped", summary.Dropped);
        if (summary.PacketsSha256 is { } hash)
        {
            json.WriteString("packets_sha256", hash);
        }

        WriteInterfaces(json, summary);
        json.WriteBoolean("interrupted", summary.WasInterrupted);
        json.WriteString("error", summary.Error?.Message);
    }

    private static void WriteInterfaces(Utf8JsonWriter json, CaptureFileSummary summary)
    {
        json.WriteStartArray("interfaces");
        for (int id = 0; id < summary.Interfaces.Count; id++)
        {
            CaptureInterface each = summary.Interfaces[id];
            json.WriteStartObject();
            json.WriteString("name", each.Name);
            json.WriteString("link_type", each.LinkType.GetName());
            json.WriteNumber("snap_length", each.SnapLength);
            json.WriteNumber("packets", summary.PacketsOfInterface[id]);
            WriteNumberOrNull(json, "dropped", each.Dropped);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteText(TextWriter text, CaptureFileSummary summary)
    {
        void Line(string label, string value) => text.WriteLine($"{label + ":",-20}{value}");
        Line("File", Printable.Escape(summary.Path));
        Line("Format", $"{FormatName(summary.Format)} ({summary.FormatDetail})");
        Line("Link types", summary.LinkTypes.Count == 0 ? "none" : string.Join(", ", summary.LinkTypes.Select(type => type.GetName())));
        Line("Packets", Number(summary.Packets));
        Line("Captured bytes", Number(summary.CapturedBytes));
        Line("Original bytes", Number(summary.OriginalBytes));
        Line("Truncated packets", Number(summary.TruncatedPackets));
        if (summary is { FirstPacket: { } first, LastPacket: { } last })
        {
            Line("First packet", UtcTime.DateAndTime(first));
            Line("Last packet", UtcTime.DateAndTime(last));
            Line("Duration", $"{UtcTime.Seconds(last, first)} s");
        }

        if (summary.StepsBack > 0)
        {
            Line("Time steps back", Number(summary.StepsBack));
        }

        Line("Dropped", summary.Dropped is { } dropped ? Number(dropped) : "not recorded");
        if (summary.PacketsSha256 is { } hash)
        {
            Line("Packets SHA-256", hash);
        }

        for (int id = 0; id < summary.Interfaces.Count && summary.Format == CaptureFileFormat.PcapNg; id++)
        {
            Line($"Interface {id}", InterfaceText(summary.Interfaces[id], summary.PacketsOfInterface[id]));
        }

        if (summary.Section.Application is { } application)
        {
            Line("Written by", Printable.Escape(application));
        }

        text.WriteLine();
    }

    private static string InterfaceText(CaptureInterface each, long packets)
    {
        string snap = each.SnapLength == 0 ? "" : $", snap length {Number(each.SnapLength)}";
        string drops = each.Dropped is { } dropped ? $", {Number(dropped)} dropped" : "";
        return $"{Printable.Escape(each.Name ?? "(unnamed)")}, {each.LinkType.GetName()}{snap}, {Number(packets)} packets{drops}";
    }

    private static string? FormatName(CaptureFileFormat? format) => format switch
    {
        CaptureFileFormat.Pcap => "pcap",
        CaptureFileFormat.PcapNg => "pcapng",
        _ => null,
    };

    private static void WriteInstant(Utf8JsonWriter json, string key, CaptureTimestamp? instant) =>
        WriteNumberOrNull(json, key, instant?.Nanoseconds);

    private static void WriteNumberOrNull(Utf8JsonWriter json, string key, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(key, number);
        }
        else
        {
            json.WriteNull(key);
        }
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
