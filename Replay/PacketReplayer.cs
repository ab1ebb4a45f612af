using System.Runtime.ExceptionServices;
using Interceptor.Capture;
using Interceptor.Capture.Injection;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>
/// Sends a capture again, each packet at its deadline. Packets that are behind their time are handed over in batches, others one by one.
/// <para>Threads: <see cref="Run(Func{IPacketSource}, CancellationToken)"/> takes over the calling thread; <see cref="Report"/> may be looked at on any.</para>
/// </summary>
public sealed class PacketReplayer
{
    /// <summary>Nanoseconds behind the deadline from which on packets are batched to catch up.</summary>
    private const long CatchUpFrom = 1_000_000;

    /// <summary>Bytes of memory that a capture may take to be kept for its further rounds.</summary>
    private const long SmallCapture = 8 << 20;

    private readonly IPacketSink _target;
    private readonly IPacketSink? _copy;
    private readonly IReplayClock _clock;
    private readonly IReplaySteps? _steps;
    private readonly ReplayOptions _options;
    private readonly ReplaySchedule _schedule;
    private readonly long _duration;
    private long _start;
    private long _offered;
    private CaptureTimestamp _firstTimestamp;
    private bool _unflushed;

    /// <summary>Ready to run once.</summary>
    /// <param name="target">Where packets go; stays the caller's.</param>
    /// <param name="options">What and how.</param>
    /// <param name="clock">The time; the machine's by default.</param>
    /// <param name="copy">Gets each packet too, with the instant at which it was due, counted from the first packet's; null for none.</param>
    /// <param name="steps">Who says when the next packet is sent; needed at <see cref="ReplayPace.Step"/>, and only there.</param>
    public PacketReplayer(IPacketSink target, ReplayOptions options, IReplayClock? clock = null, IPacketSink? copy = null, IReplaySteps? steps = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Loop);
        if ((options.Pace.Kind == ReplayPaceKind.Step) != (steps is not null))
        {
            throw new ArgumentException("Steps are needed where the pace is step by step, and only there.", nameof(steps));
        }

        _target = target;
        _steps = steps;
        _copy = copy;
        _options = options;
        _clock = clock ?? new MonotonicReplayClock();
        _schedule = new ReplaySchedule(options.Pace, options.MaxGap);
        _duration = options.Duration is { } duration ? (long)Int128.Min((Int128)duration.Ticks * 100, long.MaxValue) : long.MaxValue;
    }

    /// <summary>It is one itself, and needs none.</summary>
    internal bool IsRehearsal { get; init; }

    /// <summary>What was done so far.</summary>
    public ReplayReport Report { get; } = new();

    /// <summary>Replays until the end, a limit, damage of the capture, or cancellation; the report says which.</summary>
    /// <param name="open">Opens the capture; called again for each loop, on another thread where <see cref="ReplayOptions.ReadAhead"/> says so.</param>
    /// <param name="cancellation">Ends the replay between two packets.</param>
    /// <exception cref="CaptureFileException">The capture can't be opened. Damage inside it is reported instead.</exception>
    /// <exception cref="IOException">The target failed; the report is complete up to there.</exception>
    public ReplayReport Run(Func<IPacketSource> open, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(open);
        if (_options.ReadAhead && _options.Loop != 1 && TryHold(ref open, cancellation) is { } held)
        {
            return Run(held, cancellation);
        }

        var intake = new ReplayIntake(open, _options, _options.Loop);
        return Run(_options.ReadAhead ? new ReadAheadFeed(intake) : new DirectFeed(intake), () => intake.FlowsAreCapped, cancellation);
    }

    /// <summary>The same, out of memory.</summary>
    /// <inheritdoc cref="Run(Func{IPacketSource}, CancellationToken)"/>
    public ReplayReport Run(PreloadedCapture capture, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(capture);
        return Run(new PreloadedFeed(capture, _options.Loop), () => capture.FlowsAreCapped, cancellation);
    }

    /// <summary>A small file that is sent again and again is kept: to open it anew takes longer than to send it.</summary>
    /// <returns>Null for what is larger, or no file; <paramref name="open"/> then begins with its first packet still.</returns>
    private PreloadedCapture? TryHold(ref Func<IPacketSource> open, CancellationToken cancellation)
    {
        Func<IPacketSource> another = open;
        IPacketSource? first = open();
        if (first is not IReadAheadSource { Fraction: not null })
        {
            open = () => Interlocked.Exchange(ref first, null) ?? another();
            return null;
        }

        try
        {
            return PreloadedCapture.Load(() => first, _options, SmallCapture, cancellation);
        }
        catch (InsufficientMemoryException)
        {
            return null;
        }
    }

    private ReplayReport Run(IReplayFeed feed, Func<bool> flowsAreCapped, CancellationToken cancellation)
    {
        // On the only processor it would keep the reader of the capture, and everyone else, from it.
        using PromptThread? prompt = _options.Prompt && _options.Pace.HasDeadlines && Environment.ProcessorCount > 1 ? PromptThread.Enter() : null;
        nuint slack = MonotonicSleep.SetTimerSlack(1);
        _start = _clock.Now;
        try
        {
            SendAll(feed, cancellation);
            Flush();
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            Report.Interrupted = true;
            Flush();
        }
        finally
        {
            // Before the reader is waited for.
            Report.ElapsedNanoseconds = _offered == 0 ? 0 : _clock.Now - _start;
            _ = MonotonicSleep.SetTimerSlack(slack);
            feed.Dispose();
            Report.PausedNanoseconds = _clock.PausedNanoseconds;
            Report.FlowsAreCapped = flowsAreCapped();
            TakeCountsOfTarget();
        }

        return Report;
    }

    private void SendAll(IReplayFeed feed, CancellationToken cancellation)
    {
        ReplayBlock? block = null;
        while (true)
        {
            if (!feed.IsReady)
            {
                // Nothing waits in a batch while the reader waits for a pipe.
                Flush();
            }

            bool waits = !feed.IsReady;
            block = feed.Next(block, cancellation);
            if (waits)
            {
                _clock.NoteWait();
            }

            if (block is null)
            {
                // A source that waits may have been ended by the same token.
                cancellation.ThrowIfCancellationRequested();
                return;
            }

            Report.Fraction = block.Fraction ?? Report.Fraction;
            if (!Send(block, cancellation))
            {
                return;
            }
        }
    }

    /// <summary>False if nothing more is to be sent.</summary>
    private bool Send(ReplayBlock block, CancellationToken cancellation)
    {
        for (int index = 0; index < block.Count; index++)
        {
            ref readonly ReplayRecord record = ref block[index];
            if ((record.Flags & ReplayRecordFlags.BeginsRound) != 0)
            {
                BeginRound();
            }

            cancellation.ThrowIfCancellationRequested();
            if (record.Kind != ReplayRecordKind.Packet)
            {
                Report.Skip(record);
            }
            else if (!Send(block.PacketOf(record), record.Flags, cancellation))
            {
                return false;
            }
        }

        if (block.Failure is not { } failure)
        {
            return true;
        }

        if (failure is CaptureFileException damage && (_offered > 0 || Report.Skipped > 0))
        {
            Report.Damage = damage;
            return false;
        }

        ExceptionDispatchInfo.Throw(failure);
        return false;
    }

    private void BeginRound()
    {
        Report.Rounds++;
        if (Report.Rounds == 1)
        {
            return;
        }

        if (_options.Pace.HasDeadlines)
        {
            _schedule.Restart(_options.LoopDelay);
        }
        else if (_options.LoopDelay > TimeSpan.Zero)
        {
            Flush();
            _schedule.RestartAfter(_clock.Now - _start, _options.LoopDelay);
        }
    }

    /// <summary>False once a limit is reached.</summary>
    private bool Send(in CapturedPacket packet, ReplayRecordFlags flags, CancellationToken cancellation)
    {
        if (_offered >= _options.Limit || !AwaitStep(cancellation))
        {
            return false;
        }

        // The schedule first: compiling it on its first use must not make the first packet late.
        long due = _schedule.Next(packet.Metadata, packet.Data.Length);
        if (_offered == 0)
        {
            _start = Begin(packet.Metadata.LinkType, cancellation);
            _firstTimestamp = packet.Metadata.Timestamp;
        }

        long now = _clock.Now;
        if (Math.Max(due, now - _start) > _duration)
        {
            return false;
        }

        long deadline = (long)Int128.Min((Int128)_start + due, long.MaxValue);
        if (deadline > now || _clock.IsHeld)
        {
            Flush();
            _clock.WaitUntil(deadline, cancellation);
            now = _clock.Now;
        }

        _target.Write(packet);
        _unflushed = true;
        long error = now - deadline;
        if (!_options.Pace.HasDeadlines)
        {
            due = now - _start;
        }
        else
        {
            if (error < CatchUpFrom)
            {
                Flush();
            }

            Report.Timing.Add(error);
            Report.LastErrorNanoseconds = error;
        }

        Count(packet, flags);
        _copy?.Write(new CapturedPacket(packet.Data, packet.Metadata with { Timestamp = _firstTimestamp + due, HasTimestamp = true }));
        if (_steps is { } steps)
        {
            Flush();
            steps.Sent(packet);
        }

        return true;
    }

    /// <summary>Goes through everything before the first deadline.</summary>
    private long Begin(LinkType linkType, CancellationToken cancellation)
    {
        if (!_options.Pace.HasDeadlines || IsRehearsal || _clock is VirtualReplayClock)
        {
            return _clock.Now;
        }

        if (_target is IPacketInjector wire)
        {
            ReplayRehearsal.Run(wire, _clock, linkType, cancellation);
        }

        return _clock.Begin();
    }

    private bool AwaitStep(CancellationToken cancellation)
    {
        if (_steps is null)
        {
            return true;
        }

        bool goesOn = _steps.Await(cancellation);
        _clock.NoteWait();
        Report.StepsEnded = !goesOn;
        return goesOn;
    }

    private void Count(in CapturedPacket packet, ReplayRecordFlags flags)
    {
        _offered++;
        Report.Packets++;
        Report.Bytes += packet.Data.Length;
        Report.Truncated += packet.IsTruncated ? 1 : 0;
        Report.FlowPackets += (flags & ReplayRecordFlags.InFlow) != 0 ? 1 : 0;

        // A preloaded capture has its flows anew in each round.
        Report.Flows += (flags & ReplayRecordFlags.BeginsFlow) != 0 && Report.Rounds == 1 ? 1 : 0;
    }

    /// <summary>An injector knows which packets the kernel refused.</summary>
    private void TakeCountsOfTarget()
    {
        if (_target is IPacketInjector injector)
        {
            Report.Take(injector.Statistics);
        }
    }

    private void Flush()
    {
        if (_unflushed)
        {
            _unflushed = false;
            _target.Flush();
        }
    }
}
