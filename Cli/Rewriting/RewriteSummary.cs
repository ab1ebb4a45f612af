using System.Text.Json;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Cli.Output;
using Interceptor.Replay.Rewriting;

namespace Interceptor.Cli.Rewriting;

/// <summary>What <c>interceptor rewrite</c> tells at its end, and the exit code that follows from it.</summary>
/// <param name="reader">The capture, read to its end.</param>
/// <param name="writer">What was written.</param>
/// <param name="report">What the stages did.</param>
/// <param name="edits">What was to be edited; null for nothing.</param>
/// <param name="damage">What ended the capture before its end; null where nothing did.</param>
internal sealed class RewriteSummary(ICaptureFileSource reader, ICaptureCopy writer, RewriteReport report, PacketEdits? edits, CaptureFileException? damage)
{
    internal void Write(TextWriter text, CommandOutput output)
    {
        if (output.Json)
        {
            output.WriteJson("summary", json =>
            {
                json.WriteNumber("packets_read", reader.PacketsRead);
                json.WriteNumber("packets_written", writer.PacketsWritten);
                json.WriteNumber("outside_slice", report.OutsideSlice);
                json.WriteNumber("not_matching", report.NotMatching);
                json.WriteNumber("duplicates", report.Duplicates);
                EditReport.Write(report, json);
                WriteFiles(json);
                json.WriteString("error", damage?.Message);
            });
            return;
        }

        string others = (report.OutsideSlice > 0 ? $"; {report.OutsideSlice} are outside the slice" : "")
            + (report.NotMatching > 0 ? $"; {report.NotMatching} did not match" : "")
            + (report.Duplicates > 0 ? $"; {report.Duplicates} are duplicates" : "");
        text.WriteLine($"{Counted.Of(reader.PacketsRead, "packet")} read, {writer.PacketsWritten} written{others}");
        if (edits is { AreNone: false })
        {
            EditReport.Write(report, text);
        }

        WriteFiles(text);
    }

    private void WriteFiles(Utf8JsonWriter json)
    {
        if (writer is not CaptureFileSplitter splitter)
        {
            return;
        }

        json.WriteStartArray("files");
        foreach (SplitFile file in splitter.Files)
        {
            json.WriteStartObject();
            json.WriteString("file", file.Path);
            json.WriteNumber("packets", file.Packets);
            json.WriteNumber("bytes", file.Bytes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteFiles(TextWriter text)
    {
        if (writer is CaptureFileSplitter splitter)
        {
            foreach (SplitFile file in splitter.Files)
            {
                text.WriteLine($"{Printable.Escape(file.Path)}: {Counted.Of(file.Packets, "packet")}");
            }
        }
    }

    /// <summary>Tells what is wrong with the result.</summary>
    internal int Conclude(string path, CommandOutput output)
    {
        output.Flush();
        if (damage is not null)
        {
            output.Warn(Printable.Escape(damage.Message));
            return CommandRunner.CodeOf(damage);
        }

        if (writer.PacketsWritten > 0)
        {
            return ExitCode.Done;
        }

        output.Warn(Printable.Escape($"{path}: no packet was written: {WhyNone()}."));
        return reader.PacketsRead == 0 ? ExitCode.BadInput : ExitCode.Failed;
    }

    private string WhyNone() => reader.PacketsRead == 0 ? "it holds none"
        : report.OutsideSlice == reader.PacketsRead ? $"none of its {reader.PacketsRead} packets is in the slice"
        : report.NotMatching == reader.PacketsRead ? $"none of its {reader.PacketsRead} packets matches the filter"
        : "every one was left out";
}
