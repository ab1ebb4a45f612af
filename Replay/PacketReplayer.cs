using Interceptor.Capture;
using Interceptor.Capture.Injection;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>
/// Sends a capture again, each packet at its deadline. Packets that are behind their time are handed over in batches, others one by one.
/// <para>Threads: <see cref="Run"/> takes over the calling thread; <see cref="Report"/> may be looked at on any.</para>
/// </summary>
public sealed class PacketReplayer
{
    /// <summary>Nanoseconds behind the deadline from which on packets are batched to catch up.</summary>
    private const long CatchUpFrom = 1_000_000;

    private readonly IPacketSink _target;
    private readonly IPacketSink? _copy;
    private readonly IReplayClock _clock;
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
    public PacketReplayer(IPacketSink target, ReplayOptions options, IReplayClock? clock = null, IPacketSink? copy = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Loop);
        _target = target;
        _copy = copy;
        _options = options;
        _clock = clock ?? MonotonicReplayClock.Instance;
        _schedule = new ReplaySchedule(options.Pace, options.MaxGap);
        _duration = options.Duration is { } duration ? (long)Int128.Min((Int128)duration.Ticks * 100, long.MaxValue) : long.MaxValue;
    }

    /// <summary>What was done so far.</summary>
    public ReplayReport Report { get; } = new();

    /// <summary>Replays until the end, a limit, damage of the capture, or cancellation; the report says which.</summary>
    /// <param name="open">Opens the capture; called again for each loop.</param>
    /// <param name="cancellation">Ends the replay between two packets.</param>
    /// <exception cref="CaptureFileException">The capture can't be opened. Damage inside it is reported instead.</exception>
    /// <exception cref="IOException">The target failed; the report is complete up to there.</exception>
    public ReplayReport Run(Func<IPacketSource> open, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(open);
        nuint slack = MonotonicSleep.SetTimerSlack(1);
        _start = _clock.Now;
        try
        {
            for (long round = 0; _options.Loop == 0 || round < _options.Loop; round++)
            {
                using IPacketSource source = open();
                long before = _offered;
                _schedule.Restart();
                if (!RunOnce(source, cancellation) || _offered == before)
                {
                    break;
                }
            }

            Flush();
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            Report.Interrupted = true;
            Flush();
        }
        finally
        {
            _ = MonotonicSleep.SetTimerSlack(slack);
            Report.ElapsedNanoseconds = _clock.Now - _start;
            TakeCountsOfTarget();
        }

        return Report;
    }

    /// <summary>True if the source came to its end, and another loop may begin.</summary>
    private bool RunOnce(IPacketSource source, CancellationToken cancellation)
    {
        try
        {
            while (source.TryRead(out CapturedPacket packet))
            {
                cancellation.ThrowIfCancellationRequested();
                if (IsWanted(packet) && !Send(packet, cancellation))
                {
                    return false;
                }
            }

            // A source that waits may have been ended by the same token.
            cancellation.ThrowIfCancellationRequested();
            return true;
        }
        catch (CaptureFileException damage) when (_offered > 0 || Report.Skipped > 0)
        {
            Report.Damage = damage;
            return false;
        }
    }

    private bool IsWanted(in CapturedPacket packet)
    {
        LinkType linkType = packet.Metadata.LinkType;
        if (_options.Accepts is { } accepts && !accepts(linkType))
        {
            Report.OtherLinkType++;
            Report.FirstOtherLinkType ??= linkType;
            return false;
        }

        if (_options.Filter is { } filter && !filter.Matches(packet))
        {
            Report.NotMatching++;
            return false;
        }

        return true;
    }

    /// <summary>False once a limit is reached.</summary>
    private bool Send(in CapturedPacket packet, CancellationToken cancellation)
    {
        if (_offered >= _options.Limit)
        {
            return false;
        }

        // The schedule first: compiling it on its first use must not make the first packet late.
        long due = _schedule.Next(packet.Metadata, packet.Data.Length);
        if (_offered == 0)
        {
            _start = _clock.Now;
            _firstTimestamp = packet.Metadata.Timestamp;
        }

        long now = _clock.Now;
        if (Math.Max(due, now - _start) > _duration)
        {
            return false;
        }

        long deadline = (long)Int128.Min((Int128)_start + due, long.MaxValue);
        if (deadline > now)
        {
            Flush();
            _clock.WaitUntil(deadline, cancellation);
            now = _clock.Now;
        }

        _target.Write(packet);
        Count(packet);
        _copy?.Write(new CapturedPacket(packet.Data, packet.Metadata with { Timestamp = _firstTimestamp + due, HasTimestamp = true }));
        _unflushed = true;
        if (_options.Pace.Kind != ReplayPaceKind.TopSpeed)
        {
            Report.Timing.Add(now - deadline);
            if (now - deadline < CatchUpFrom)
            {
                Flush();
            }
        }

        return true;
    }

    private void Count(in CapturedPacket packet)
    {
        _offered++;
        Report.Packets++;
        Report.Bytes += packet.Data.Length;
        Report.Truncated += packet.IsTruncated ? 1 : 0;
    }

    /// <summary>An injector knows which packets the kernel refused.</summary>
    private void TakeCountsOfTarget()
    {
        if (_target is IPacketInjector injector)
        {
            InjectionStatistics statistics = injector.Statistics;
            Report.Packets = statistics.SentPackets;
            Report.Bytes = statistics.SentBytes;
            Report.Failed = statistics.FailedPackets;
            Report.Failures = statistics.Failures;
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
