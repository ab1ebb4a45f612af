using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// One queue of a session with what waits behind it: receives, decides by the session's course, delivers through the stages.
/// <para>Threads: made by a thread inside the network namespace that is meant; from then on driven by one at a time.</para>
/// </summary>
internal sealed class InterceptWorker : IDisposable
{
    private const long DrainTime = 2 * CaptureTimestamp.NanosecondsPerSecond;
    private readonly InterceptCourse _course;
    private readonly OwnPackets? _own;
    private readonly PacketExit _exit;
    private readonly EditStage? _edits;

    // In the order in which packets pass them; the exit is the last.
    private readonly IOutgoingStage[] _stages;
    private readonly ImpairedDelivery _delivery;
    private readonly InterceptedPacketHandler _handler;
    private KernelQueueCounters _known;
    private long _knownLost;
    private long _released;

    /// <param name="queue">Its queue, which it owns from now on, also if this throws.</param>
    /// <param name="course">What it decides by.</param>
    internal InterceptWorker(InterceptionQueue queue, InterceptCourse course)
    {
        Queue = queue;
        _course = course;
        try
        {
            InterceptOptions options = course.Options;
            _own = options.SendsOwnPackets ? new OwnPackets() : null;
            _exit = new PacketExit(queue, course, _own);
            IOutgoingStage? hold = options.Hold is { } held ? new HoldStage(held, _exit, _exit, queue.Wake) : null;
            IOutgoingStage? set = options.Settings.Count == 0 ? null : new SetStage(new FieldSetter(options.Settings), hold ?? _exit);
            _edits = options.Replacements.Count == 0 ? null : new EditStage(new ReplacementSet(options.Replacements), set ?? hold ?? _exit, _exit, queue, course, _own!);
            _stages = [.. new IOutgoingStage?[] { _edits, set, hold, _exit }.OfType<IOutgoingStage>()];
            _exit.TellsFates = _stages.Length > 1;
            _delivery = new ImpairedDelivery(_stages[0], _own, course.Lateness);
            _handler = Take;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal InterceptionQueue Queue { get; }

    /// <summary>One turn: lets go on what is due, and takes what has come, or waits for it until something is due or <paramref name="until"/>.</summary>
    internal void Work(long now, long until)
    {
        ReleaseDue(now);
        Receive(Math.Max(Math.Min(until, NextDue()) - now, 1));
    }

    /// <summary>What the kernel dropped since the last look. On the thread that drives it.</summary>
    internal KernelLosses LookForLosses()
    {
        // Packets that we keep wait in the kernel, and others may besides: where fewer wait, it has dropped some.
        (int kept, long lost) = Queue.ReadKept();
        KernelQueueCounters counters = Queue.ReadKernelCounters() ?? _known with { Waiting = kept };
        lost = Math.Max(lost + Math.Max(kept - counters.Waiting, 0), _knownLost);
        var losses = new KernelLosses(counters.QueueDropped - _known.QueueDropped, counters.UserDropped - _known.UserDropped, lost - _knownLost);
        _known = counters;
        _knownLost = lost;
        return losses;
    }

    /// <summary>Lets everything go on that waits, also where somebody who is told of it fails: the first such failure goes on afterwards. What still comes passes.</summary>
    internal void LetGo()
    {
        var failure = default(FirstFailure);
        long released = _delivery.Count;
        long lost = Queue.ReadKept().Lost;
        using (_course.Enter())
        {
            // Each turn that fails has let one go at least.
            do
            {
                failure.Try(() => _delivery.ReleaseDue(long.MaxValue));
            }
            while (_delivery.Count > 0);

            // Who is told of packets is not told any more once he has failed: the second time everything goes.
            foreach (IOutgoingStage stage in _stages)
            {
                _ = failure.Try(stage.End) || failure.Try(stage.End);
            }
        }

        failure.Try(Queue.FlushVerdicts);
        failure.Try(() => Queue.DrainAnswers(_handler));

        // What the kernel no longer had was not released.
        _released += Math.Max(released - (Queue.ReadKept().Lost - lost), 0);
        failure.Throw();
    }

    /// <summary>Packets that were on their way through the rules when the jumps went still come: decides until the kernel has none waiting.</summary>
    internal void Drain()
    {
        long end = Clock.MonotonicNanoseconds() + DrainTime;
        do
        {
            while (Receive(0) > 0)
            {
            }
        }
        while (Queue.ReadKernelCounters() is { Waiting: > 0 } && Clock.MonotonicNanoseconds() < end);
        Queue.DrainAnswers(_handler);
    }

    /// <summary>Its counters; those of the course are the session's.</summary>
    internal InterceptSummary Summarize()
    {
        InterceptStatistics statistics = Queue.ReadStatistics();
        return new InterceptSummary
        {
            Received = statistics.Received,
            Accepted = statistics.Accepted,
            Dropped = statistics.Dropped,
            Edited = statistics.Edited,
            LostInKernel = statistics.LostInKernel,
            Delayed = _delivery.Delayed,
            Reordered = _delivery.Reordered,
            Duplicated = _exit.Duplicated,
            DuplicatesFailed = _exit.DuplicatesFailed,
            Resets = _delivery.Resets,
            Injected = _own?.Sent ?? 0,
            Corrupted = _delivery.Corrupted,
            Replacements = _edits?.Replacements ?? 0,
            EditDeltaBytes = _edits?.Growth ?? 0,
            MidstreamRefused = _edits?.MidstreamRefused ?? 0,
            EditsRefused = _edits?.Refused ?? 0,
            TranslatedAtEnd = _edits?.CutAtEnd ?? 0,
            Released = _released,
            KernelQueueDropped = statistics.KernelQueueDropped,
            KernelUserDropped = statistics.KernelUserDropped,
        };
    }

    /// <summary>Closes the queue; the kernel drops what was not decided.</summary>
    public void Dispose()
    {
        _own?.Dispose();
        Queue.Dispose();
    }

    private int Receive(long timeoutNanoseconds) => Queue.Receive(_handler, timeoutNanoseconds);

    private long NextDue()
    {
        long due = _delivery.NextDue;
        foreach (IOutgoingStage stage in _stages)
        {
            due = Math.Min(due, stage.NextDue);
        }

        return due;
    }

    private void ReleaseDue(long now)
    {
        if (NextDue() > now)
        {
            return;
        }

        try
        {
            using InterceptCourse.Turn turn = _course.Enter();
            _delivery.ReleaseDue(now);
            foreach (IOutgoingStage stage in _stages)
            {
                stage.ReleaseDue(now);
            }
        }
        finally
        {
            Queue.FlushVerdicts();
        }
    }

    private void Take(InterceptedPacket packet)
    {
        using InterceptCourse.Turn turn = _course.Enter();

        // What a batch brings beyond the limit is none of ours any more.
        if (!_course.TryTake(packet))
        {
            packet.Accept();
            return;
        }

        if (!_course.NeedsLanes && !_course.IsObserved)
        {
            packet.Accept();
            return;
        }

        CapturedPacket captured = packet.Packet;
        if (!_course.NeedsLanes)
        {
            _course.Tell(new InterceptedFate(packet, in captured, default));
            packet.Accept();
            return;
        }

        long now = Clock.MonotonicNanoseconds();
        ImpairmentDecision decision = _course.Decide(packet, in captured, now, out PacketLane lane);
        if (_course.IsObserved && (decision.Drop || !_exit.TellsFates))
        {
            _course.Tell(new InterceptedFate(packet, in captured, in decision)
            {
                Changed = decision.Drop ? default : _delivery.Damage(captured.Data, in decision),
                HeldNanoseconds = decision.DelayNanoseconds,
            });
        }

        _delivery.Deliver(packet, lane, in decision, now);
    }
}
