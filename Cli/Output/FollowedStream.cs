using System.Globalization;

namespace Interceptor.Cli.Output;

/// <summary>What becomes of <c>--follow ID</c>: the printer, and the file that it writes to where there is one.</summary>
internal sealed class FollowedStream : IDisposable
{
    private readonly CommandOutput _output;
    private readonly string? _path;
    private readonly int _id;
    private readonly FileWrittenAside? _file;
    private readonly CommandOutput? _fileOutput;

    /// <param name="output">The command's.</param>
    /// <param name="id">Which connection.</param>
    /// <param name="side">Only what this side sent, <c>client</c> or <c>server</c>; null for both.</param>
    /// <param name="format">How; null for bytes of one side as they are, but text for both and on a terminal.</param>
    /// <param name="path">A file to write instead of standard output; null for none.</param>
    /// <param name="isLive">Show at once what came.</param>
    /// <exception cref="UsageException">Raw bytes would reach a terminal, or <c>--json</c> does not go with the format.</exception>
    internal FollowedStream(CommandOutput output, int id, string? side, StreamFormat? format, string? path, bool isLive)
    {
        _output = output;
        _path = path;
        _id = id;
        bool isTerminal = path is null && !output.Json && !Console.IsOutputRedirected;
        if (format is not null && output.Json && path is null)
        {
            throw new UsageException("--format is for text and files: --json has its own.");
        }

        if (format == StreamFormat.Raw && isTerminal)
        {
            throw new UsageException("--format raw would let what the packets hold act on this terminal: use a pipe, -o FILE, or --format text.");
        }

        StreamFormat chosen = format ?? (side is not null && !isTerminal ? StreamFormat.Raw : StreamFormat.Text);
        if (path is not null)
        {
            _file = new FileWrittenAside(path);
            _fileOutput = new CommandOutput(json: false, _file.Stream, output.Error);
        }

        Printer = new StreamPrinter(_fileOutput ?? output, id, side, chosen, isLive);
    }

    /// <summary>What takes the streams.</summary>
    internal StreamPrinter Printer { get; }

    /// <summary>Ends the output; gives the file its name and tells of it, if the connection was found and read to its end.</summary>
    internal void Finish(bool isWhole)
    {
        Printer.EndLine();
        if (_file is not null && isWhole)
        {
            _fileOutput!.Flush();
            _file.Commit();
        }

        if (_output.Json)
        {
            _output.WriteJson("summary", json =>
            {
                json.WriteNumber("id", _id);
                json.WriteString("file", isWhole ? _path : null);
                json.WriteNumber("bytes", Printer.Bytes);
                json.WriteNumber("missing_bytes", Printer.MissingBytes);
            });
        }
        else if (_path is not null && isWhole)
        {
            string gaps = Printer.MissingBytes == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {Printer.MissingBytes} missing in the capture");
            _output.Text.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Printable.Escape(_path)}: {Counted.Of(Printer.Bytes, "byte")} of connection {_id}{gaps}"));
        }
    }

    public void Dispose() => _file?.Dispose();
}
