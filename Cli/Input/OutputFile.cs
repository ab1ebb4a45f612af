using Interceptor.Capture.Files;
using Interceptor.Cli.Output;
using Interceptor.Interop;

namespace Interceptor.Cli.Input;

/// <summary>The capture file that a command writes besides what it tells.</summary>
internal static class OutputFile
{
    /// <summary>Standard output can't take both a capture and NDJSON, and a terminal takes none.</summary>
    /// <exception cref="UsageException">It was asked to.</exception>
    internal static void Check(string? path, CommandOutput output)
    {
        if (path == CaptureFile.StandardStream && output.Json)
        {
            throw new UsageException("-w - and --json both take standard output.");
        }

        if (path == CaptureFile.StandardStream && StandardDescriptor.IsTerminal(StandardDescriptor.Output))
        {
            throw new UsageException("-w - would write the bytes of the capture to the terminal: send standard output into a file or another program.");
        }
    }

    /// <summary>Where lines for people go: to standard error where standard output takes the capture.</summary>
    internal static TextWriter TextBeside(string? path, CommandOutput output) => path == CaptureFile.StandardStream ? output.Error : output.Text;
}
