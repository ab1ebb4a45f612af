using Interceptor.Capture.Files;
using Interceptor.Cli.Output;
using Interceptor.Interop;

namespace Interceptor.Cli.Input;

/// <summary>The capture file that a command writes besides what it tells.</summary>
internal static class OutputFile
{
    private static readonly TimeSpan LookForReaderEvery = TimeSpan.FromMilliseconds(50);

    /// <summary>Standard output can't take both a capture and NDJSON, and a terminal takes none.</summary>
    /// <exception cref="UsageException">It was asked to.</exception>
    internal static void Check(string? path, CommandOutput output, string option = "-w")
    {
        if (path == CaptureFile.StandardStream && output.Json)
        {
            throw new UsageException($"{option} - and --json both take standard output.");
        }

        if (path == CaptureFile.StandardStream && StandardDescriptor.IsTerminal(StandardDescriptor.Output))
        {
            throw new UsageException($"{option} - would write the bytes of the capture to the terminal: send standard output into a file or another program.");
        }
    }

    /// <summary>
    /// Of a FIFO, waits until somebody reads it: opening it would, and no signal could end that. What is returned is to be held until it is open; null for anything but a FIFO.
    /// </summary>
    /// <exception cref="OperationCanceledException">A signal came first.</exception>
    /// <exception cref="LinuxException">It may not be opened.</exception>
    internal static IDisposable? AwaitReader(string path, CommandContext context)
    {
        if (path == CaptureFile.StandardStream || FileStatus.Of(path) is not { IsFifo: true })
        {
            return null;
        }

        bool isTold = false;
        while (true)
        {
            if (FifoWriter.TryOpen(path) is { } writer)
            {
                return writer;
            }

            if (!isTold)
            {
                isTold = true;
                context.Output.Warn($"waiting for a reader of {Printable.Escape(path)}.");
            }

            context.Signals.Token.WaitHandle.WaitOne(LookForReaderEvery);
            context.Signals.Token.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Where lines for people go: to standard error where standard output takes the capture.</summary>
    internal static TextWriter TextBeside(string? path, CommandOutput output) => path == CaptureFile.StandardStream ? output.Error : output.Text;
}
