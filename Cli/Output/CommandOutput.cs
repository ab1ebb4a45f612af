using System.Buffers;
using System.Text;
using System.Text.Json;
using Interceptor.Interop;

namespace Interceptor.Cli.Output;

/// <summary>
/// Where a command writes: data to standard output (text lines, or NDJSON with <c>--json</c>), messages to standard error.
/// Standard output is buffered and flushed at the end and by <see cref="Flush"/>; a closed pipe surfaces as <see cref="IOException"/>
/// with EPIPE and ends the command quietly.
/// <para>Threads: one at a time.</para>
/// </summary>
internal sealed class CommandOutput : IDisposable
{
    private const int HeldJsonLength = 64 * 1024;
    private const string SummaryType = "summary";

    private readonly Stream _stream;
    private readonly StreamWriter _text;
    private readonly ArrayBufferWriter<byte> _jsonBuffer = new(1024);
    private readonly Utf8JsonWriter _json;
    private bool _hasSummary;

    internal CommandOutput(bool json, Stream stdout, TextWriter stderr)
    {
        Json = json;
        _stream = stdout;
        _text = new StreamWriter(stdout, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), 64 * 1024) { AutoFlush = false };
        Error = stderr;
        _json = new Utf8JsonWriter(_jsonBuffer, new JsonWriterOptions { SkipValidation = false });
    }

    /// <summary>True when standard output takes NDJSON.</summary>
    internal bool Json { get; private set; }

    /// <summary>Standard output takes NDJSON also without <c>--json</c>: a program reads it.</summary>
    internal void UseJson() => Json = true;

    /// <summary>Messages for people.</summary>
    internal TextWriter Error { get; }

    /// <summary>Lines of text for standard output; callers write only what <see cref="Printable"/> made safe.</summary>
    internal TextWriter Text => _text;

    internal static CommandOutput ForConsole(bool json) => new(json, new StandardOutputStream(), Console.Error);

    /// <summary>
    /// True to collect objects and hand them over in large pieces, for commands that write many at once; false (the default) to hand over each
    /// object as it is written, for commands that someone watches.
    /// </summary>
    internal bool HoldJson { get; set; }

    /// <summary>Writes one NDJSON object whose first key is <c>type</c>.</summary>
    internal void WriteJson(string type, Action<Utf8JsonWriter> body)
    {
        body(BeginJson(type));
        EndJson();
    }

    /// <summary>Begins an NDJSON object; the caller adds its keys and calls <see cref="EndJson"/>.</summary>
    internal Utf8JsonWriter BeginJson(string type)
    {
        _hasSummary |= type == SummaryType;
        _json.Reset();
        _json.WriteStartObject();
        _json.WriteString("type", type);
        return _json;
    }

    /// <summary>Ends the object.</summary>
    internal void EndJson()
    {
        _json.WriteEndObject();
        _json.Flush();
        _jsonBuffer.Write("\n"u8);
        FlushWritten();
    }

    /// <summary>Writes an NDJSON object that is already made, with its end of line.</summary>
    internal void WriteJsonLine(ReadOnlySpan<byte> line)
    {
        _jsonBuffer.Write(line);
        FlushWritten();
    }

    private void FlushWritten()
    {
        if (!HoldJson || _jsonBuffer.WrittenCount >= HeldJsonLength)
        {
            Flush();
        }
    }

    /// <summary>With <c>--json</c>, a summary that holds nothing but the reason, where a command failed before it wrote its own.</summary>
    internal void EndWithSummary(string error)
    {
        if (!Json || _hasSummary)
        {
            return;
        }

        try
        {
            WriteJson(SummaryType, json => json.WriteString("error", error));
            Flush();
        }
        catch (IOException)
        {
            // Standard output does not take it; what failed is told on standard error.
        }
    }

    /// <summary>Bytes for standard output as they are: only where the user asked for raw data.</summary>
    internal void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        _text.Flush();
        _stream.Write(bytes);
    }

    /// <summary>A message to standard error, prefixed with the program's name.</summary>
    internal void Warn(string message) => Tell($"interceptor: {message}");

    /// <summary>A line on standard error, behind no other.</summary>
    internal void Tell(string line)
    {
        ClearLine?.Invoke();
        Error.WriteLine(line);
    }

    /// <summary>Takes away what stands in the terminal's last line, as progress; to be called before a line that a terminal may show. Null where nothing does.</summary>
    internal Action? ClearLine { get; set; }

    /// <summary>Hands everything written to the operating system.</summary>
    internal void Flush()
    {
        _text.Flush();
        if (_jsonBuffer.WrittenCount > 0)
        {
            _stream.Write(_jsonBuffer.WrittenSpan);
            _jsonBuffer.ResetWrittenCount();
        }

        _stream.Flush();
    }

    public void Dispose()
    {
        try
        {
            Flush();
        }
        catch (IOException)
        {
            // The reader of the pipe is gone: there is nobody to tell.
        }

        _json.Dispose();
    }
}
