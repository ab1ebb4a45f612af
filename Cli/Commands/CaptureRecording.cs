using Interceptor.Capture;
using Interceptor.Capture.Live;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;
using Interceptor.Interop;

namespace Interceptor.Cli.Commands;

/// <summary>The recording of <c>interceptor capture -w</c>: what is done with each closed file, and the signals that ask for a further one and for a flush.</summary>
internal sealed class CaptureRecording
{
    private readonly CaptureRecordingOptions _options;
    private readonly CommandContext _context;
    private readonly ClosedFileCommand? _command;
    private readonly bool _escapesNames;
    private LiveRecorder? _recorder;

    /// <exception cref="UsageException">The command to run on files does not exist.</exception>
    internal CaptureRecording(CaptureRecordingOptions options, CommandContext context)
    {
        _options = options;
        _context = context;
        _command = options.Command is { } words ? new ClosedFileCommand(words, context.Output) : null;

        // A program wants the name as it is, a terminal must not get it raw.
        _escapesNames = options.PrintName && StandardDescriptor.IsTerminal(StandardDescriptor.Output);
    }

    /// <summary>Packets that are in the files.</summary>
    internal long PacketsWritten => _recorder?.PacketsWritten ?? 0;

    /// <summary>Records until the source ends or <paramref name="limit"/> packets are written, and disposes the source.</summary>
    /// <param name="source">What to record.</param>
    /// <param name="limit">Packets to write.</param>
    /// <param name="also">A further sink for the same packets; null for none.</param>
    /// <exception cref="OperationCanceledException">A signal came before anybody read the FIFO that is written.</exception>
    internal void Run(LivePacketSource source, long limit, IPacketSink? also)
    {
        using IDisposable? reader = _options.Rotation is null ? OutputFile.AwaitReader(_options.Path, _context) : null;
        _context.Signals.Hurry = HurryUp;
        try
        {
            using var recorder = new LiveRecorder(source, _options.Path, _options.Rotation, _options.Format);
            _recorder = recorder;
            recorder.FileClosed += Tell;
            _context.Signals.FlushRequested += recorder.RequestFlush;
            _context.Signals.SetRotation(recorder.CanRotate ? recorder.RequestRotation : null);
            try
            {
                recorder.Run(limit, also);
            }
            finally
            {
                _context.Signals.SetRotation(null);
                _context.Signals.FlushRequested -= recorder.RequestFlush;

                // The file's counters are the capture's last.
                source.Dispose();
            }
        }
        finally
        {
            _command?.Await();
            _context.Signals.Hurry = null;
        }
    }

    private void HurryUp()
    {
        _recorder?.RequestEnd();
        _command?.StopWaiting();
    }

    private void Tell(RecordedFile file)
    {
        if (_options.PrintName)
        {
            CommandOutput output = _context.Output;
            output.ClearLine?.Invoke();
            if (output.Json)
            {
                output.WriteJson("file", json =>
                {
                    json.WriteString("file", file.Path);
                    json.WriteNumber("packets", file.Packets);
                    json.WriteNumber("bytes", file.Bytes);
                    json.WriteString("reason", ReasonOf(file.Reason));
                });
            }
            else
            {
                output.Text.WriteLine(_escapesNames ? Printable.Escape(file.Path) : file.Path);
            }

            output.Flush();
        }

        _command?.Start(file.Path);
    }

    private static string ReasonOf(RotationReason reason) => reason switch
    {
        RotationReason.Size => "size",
        RotationReason.Packets => "packets",
        RotationReason.Duration => "duration",
        RotationReason.Clock => "clock",
        RotationReason.Request => "request",
        _ => "end",
    };
}
