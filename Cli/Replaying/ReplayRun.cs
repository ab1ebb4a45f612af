using System.Diagnostics;
using System.Globalization;
using Interceptor.Cli.Output;
using Interceptor.Cli.Rewriting;
using Interceptor.Replay;

namespace Interceptor.Cli.Replaying;

/// <summary>A replay from the first packet to the summary, with what goes on beside it: signals, progress.</summary>
/// <param name="replayer">Sends.</param>
/// <param name="capture">What is sent.</param>
/// <param name="options">How.</param>
/// <param name="clock">Can be paused; null for a rehearsal.</param>
/// <param name="context">Signals and output.</param>
internal sealed class ReplayRun(PacketReplayer replayer, ReplayCapture capture, ReplayOptions options, PausableReplayClock? clock, CommandContext context)
{
    private readonly ReplayProgress _progress = new(replayer.Report, options, clock);

    /// <summary>Time from one line of counters to the next; null for none.</summary>
    internal TimeSpan? Interval { get; init; }

    /// <summary>The capture is read into memory first.</summary>
    internal bool Preloads { get; init; }

    /// <summary>The two sides, for the summary; null for a replay of one.</summary>
    internal TwoSidedReplay? Sides { get; init; }

    /// <summary>The edits, for the summary; null where packets are sent as captured.</summary>
    internal EditedReplay? Edited { get; init; }

    /// <summary>Where lines of the summary go: standard output, or error where a capture is written there.</summary>
    internal required TextWriter Text { get; init; }

    /// <summary>Runs to the end, and writes the summary, also where the target failed on the way.</summary>
    internal void Run()
    {
        PreloadedCapture? preloaded = Preloads ? Preload() : null;
        using PauseSignals? pausing = clock is null ? null : new PauseSignals(clock, context);
        context.Signals.StatisticsRequested += WarnCounters;
        try
        {
            // Step by step each packet is shown, and a line below would be written into.
            using (options.Pace.Kind == ReplayPaceKind.Step ? null : new ProgressLine(context.Output.Error, _progress.Line, _progress.Fraction))
            using (Interval is { } interval ? new Timer(_ => TellCounters(), null, interval, interval) : null)
            {
                Send(preloaded);
            }

            capture.CheckFilter();
        }
        catch (IOException) when (replayer.Report.Packets > 0)
        {
            WriteSummary();
            throw;
        }
        finally
        {
            context.Signals.StatisticsRequested -= WarnCounters;
        }

        WriteSummary();
    }

    private void Send(PreloadedCapture? preloaded)
    {
        if (preloaded is not null)
        {
            replayer.Run(preloaded, context.Signals.Token);
        }
        else
        {
            replayer.Run(capture.OpenNext, context.Signals.Token);
        }
    }

    /// <summary>Half of the memory that there is at most: whoever replays more lets it stream.</summary>
    private PreloadedCapture Preload()
    {
        long most = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;
        long start = Stopwatch.GetTimestamp();
        try
        {
            PreloadedCapture loaded = PreloadedCapture.Load(capture.OpenNext, options, most, context.Signals.Token);
            context.Output.Warn(string.Create(CultureInfo.InvariantCulture,
                $"{loaded.Packets} packets ({loaded.Bytes} bytes) are in memory after {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s."));
            return loaded;
        }
        catch (InsufficientMemoryException)
        {
            throw new IOException($"preload {capture.Path}: it takes more than {most} bytes, half of this machine's memory. Leave --preload out: the capture is then read while it is sent.");
        }
    }

    private void WriteSummary()
    {
        Edited?.CountInto(replayer.Report);
        ReplaySummary.Write(replayer.Report, Text, context.Output, clock is null, Sides, Edited);
    }

    private void WarnCounters() => context.Output.Warn(_progress.Line());

    private void TellCounters()
    {
        if (!context.Output.Json)
        {
            WarnCounters();
            return;
        }

        try
        {
            ReplaySummary.WriteProgress(replayer.Report, _progress, context.Output);
        }
        catch (IOException)
        {
            // Nobody reads it; the summary will tell.
        }
    }
}
