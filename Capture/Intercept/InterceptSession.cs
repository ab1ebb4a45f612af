using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// An interception from its rules to its summary: takes packets at the hooks, decides, delays, and leaves nothing behind.
/// <para>Threads: <see cref="Start"/>, <see cref="Run"/> and <see cref="Dispose"/> belong to one thread, inside the network namespace that is meant; everything
/// (receiving, timers, the observer) happens on it inside <see cref="Run"/>. The wait for the next packet and for the next delayed one is one
/// poll with a timeout in nanoseconds: no thread and no timer for each packet.</para>
/// </summary>
public sealed class InterceptSession : IDisposable
{
    private const int FirstAutomaticQueue = 20000;
    private const int AutomaticQueues = 20000;
    private const long LookInterval = CaptureTimestamp.NanosecondsPerSecond;
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(2);
    private readonly InterceptOptions _options;
    private readonly InterceptionQueue _queue;
    private readonly FirewallRules _rules;
    private readonly Impairments _impairments;
    private readonly ImpairedDelivery _delivery;
    private readonly RateLinks? _links;
    private readonly bool _needsLanes;
    private readonly InterceptedPacketHandler _handler;
    private readonly PacketFilter? _userSpaceFilter;
    private InterceptObserver? _observer;
    private bool _passing;
    private KernelQueueCounters _known;
    private long _nextLook;
    private long _matched;
    private long _unmatched;
    private long _overRate;
    private long _released;
    private InterceptSummary? _summary;

    private InterceptSession(InterceptOptions options, InterceptionQueue queue, ImpairedDelivery delivery, FirewallRules rules, PacketFilter? userSpaceFilter)
    {
        _options = options;
        _queue = queue;
        _rules = rules;
        _userSpaceFilter = userSpaceFilter;
        _impairments = new Impairments(options.Impairments);
        _delivery = delivery;
        _needsLanes = !options.IsLookingOnly || options.Record is not null;
        options.Record?.Begin(options.TakesSuperPackets);
        _links = options.Impairments.Rate > 0 ? new RateLinks(options.Impairments) : null;
        _handler = Take;
        OnFailure = PolicyOf(options);
    }

    /// <summary>
    /// Raised on the session's thread within about a second after the kernel dropped packets before we saw them: how many since the last time, because the queue was full
    /// and because the receive buffer was.
    /// </summary>
    public event Action<long, long>? KernelDropped;

    /// <summary>The queue number in use.</summary>
    public ushort QueueNumber => _queue.Number;

    /// <summary>Queue flags that were wanted and that the kernel does not have.</summary>
    public InterceptionQueueFlags RefusedFlags => _queue.RefusedFlags;

    /// <summary>The policy in force.</summary>
    public FailurePolicy OnFailure { get; }

    /// <summary>Where the rules are.</summary>
    public IReadOnlyList<string> Places => _rules.Places;

    /// <summary>True if the kernel could not take the filter, so that every packet comes to us and the filter is applied here.</summary>
    public bool FiltersInUserSpace => _userSpaceFilter is not null;

    /// <summary>Opens the queue, then installs the rules. From now on matching packets wait for <see cref="Run"/>.</summary>
    /// <exception cref="LinuxException">A privilege is missing, or the queue number is taken.</exception>
    /// <exception cref="MissingToolException">iptables is not installed.</exception>
    /// <exception cref="FirewallException">The rules could not be installed; nothing is left in place.</exception>
    public static InterceptSession Start(InterceptOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Impairments.Validate();
        if (options.Schedule is not null && !options.Impairments.IsNone)
        {
            throw new ArgumentException("A schedule says all that is done: nothing else goes with it.", nameof(options));
        }

        if (options.Hooks.Count == 0)
        {
            throw new ArgumentException("There is no hook to take packets at.", nameof(options));
        }

        bool fits = true;
        FirewallMatch match = FirewallMatch.All;
        if (options.Filter is not null)
        {
            fits = FirewallMatch.TryFromFilter(options.Filter, out match);
        }

        match = match with { ExceptMark = FirewallMatch.OwnMark };
        bool isOpen = PolicyOf(options) == FailurePolicy.Open;
        InterceptionQueue queue = OpenQueue(options, isOpen);
        ImpairedDelivery? delivery = null;
        try
        {
            delivery = new ImpairedDelivery(queue, options);
            FirewallTarget target = FirewallTarget.ToQueue(queue.Number, bypass: isOpen);
            FirewallRules rules = FirewallRules.Install(
                [.. options.Hooks.Distinct().Select(hook => new FirewallRule(hook, match, target))], new FirewallOptions { Backend = options.Backend });
            return new InterceptSession(options, queue, delivery, rules, fits ? null : options.Filter);
        }
        catch
        {
            delivery?.Dispose();
            queue.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Works until the limit or the cancellation, then lets go on what is delayed, takes the rules away, decides what still comes, and gives the summary.
    /// </summary>
    /// <param name="observer">Sees each matching packet; null for none. If it throws, everything is undone the same way, and the exception goes on.</param>
    /// <param name="cancellation">Ends it: that is not an error.</param>
    public InterceptSummary Run(InterceptObserver? observer, CancellationToken cancellation)
    {
        _observer = observer;
        using CancellationTokenRegistration registration = cancellation.Register(_queue.Wake);
        long end = _options.Duration is { } duration ? Clock.MonotonicNanoseconds() + (duration.Ticks * 100) : long.MaxValue;
        InterceptSummary summary;
        try
        {
            while (!cancellation.IsCancellationRequested && (_options.Count is not { } count || _matched < count))
            {
                long now = Clock.MonotonicNanoseconds();
                if (now >= end)
                {
                    break;
                }

                _delivery.ReleaseDue(now);
                if (now >= _nextLook)
                {
                    LookForDrops();
                    _nextLook = now + LookInterval;
                }

                long next = Math.Min(Math.Min(end, _nextLook), _delivery.NextDue);
                _queue.Receive(_handler, Math.Max(next - now, 1));
            }
        }
        finally
        {
            _summary = summary = TearDown();
        }

        return summary;
    }

    /// <summary>The counters so far; <see cref="InterceptSummary.Escaped"/> is known only at the end. Any thread; taken while packets flow, they may be some
    /// packets apart.</summary>
    public InterceptSummary ReadSummary() => Summarize(ruleCount: null);

    /// <summary>Removes the rules and closes the queue, if <see cref="Run"/> has not done it.</summary>
    public void Dispose()
    {
        try
        {
            _summary ??= TearDown();
        }
        finally
        {
            _delivery.Dispose();
            _queue.Dispose();
        }
    }

    private static FailurePolicy PolicyOf(InterceptOptions options) =>
        options.OnFailure ?? (options.IsLookingOnly ? FailurePolicy.Open : FailurePolicy.Closed);

    private static InterceptionQueue OpenQueue(InterceptOptions options, bool isOpen)
    {
        var template = new InterceptionQueueOptions
        {
            Number = 0,
            MaxLength = options.QueueLength,
            Flags = (options.TakesSuperPackets ? InterceptionQueueFlags.Gso : InterceptionQueueFlags.None)
                | InterceptionQueueFlags.UserAndGroup | (isOpen ? InterceptionQueueFlags.FailOpen : InterceptionQueueFlags.None),
            Default = isOpen ? DefaultVerdict.Accept : DefaultVerdict.Drop,
        };
        if (options.QueueNumber is { } chosen)
        {
            return InterceptionQueue.Open(template with { Number = chosen });
        }

        // Spread by process, so that two runs rarely meet; where they do, the next number is tried.
        for (int attempt = 0; ; attempt++)
        {
            int number = FirstAutomaticQueue + ((Environment.ProcessId + attempt) % AutomaticQueues);
            try
            {
                return InterceptionQueue.Open(template with { Number = (ushort)number });
            }
            catch (LinuxException exception) when (exception.Errno == Errno.EBUSY && attempt < 100)
            {
            }
        }
    }

    private void Take(InterceptedPacket packet)
    {
        // What a batch brings beyond the limit is none of ours any more.
        if (_matched >= _options.Count)
        {
            packet.Accept();
            return;
        }

        ReadOnlySpan<byte> data = packet.Data;
        if (_userSpaceFilter is not null && !_userSpaceFilter.Matches(data, packet.OriginalLength))
        {
            _unmatched++;
            packet.Accept();
            return;
        }

        _matched++;
        CapturedPacket captured = packet.Packet;
        if (!_needsLanes)
        {
            Observe(in captured, packet, default);
            packet.Accept();
            return;
        }

        long now = Clock.MonotonicNanoseconds();
        PacketView view = captured.Parse();
        view.TryGetFlow(out FlowKey flow);
        PacketLane lane = _impairments.FindLane(in flow, packet.Hook);
        ImpairmentDecision decision = _passing ? default : Decide(in view, in flow, lane, packet, now);
        if (!_passing)
        {
            _options.Record?.Write(lane, in flow, in decision);
        }

        Observe(in captured, packet, decision);
        _delivery.Deliver(packet, lane, in decision, now);
    }

    private ImpairmentDecision Decide(in PacketView view, in FlowKey flow, PacketLane lane, InterceptedPacket packet, long now)
    {
        bool isTcp = view.TryGetTcp(out TcpView tcp);
        ImpairmentDecision decision = Choose(lane, isTcp ? tcp.Flags : default);
        if (_options.Reset && isTcp && !decision.Drop && (tcp.Flags & TcpFlags.Rst) == 0)
        {
            return new ImpairmentDecision(true, 0) { Reset = true };
        }

        if (_links is null || decision.Drop)
        {
            return decision;
        }

        // A copy is on the link too.
        int bytes = packet.OriginalLength * (decision.Duplicate ? 2 : 1);
        int device = packet.OutInterface != 0 ? packet.OutInterface : packet.InInterface;
        if (_links.TryAdmit(in flow, packet.Hook, device, bytes, now, out long through))
        {
            return decision with { DelayNanoseconds = decision.DelayNanoseconds + Math.Max(through - now, 0) };
        }

        _overRate++;
        return new ImpairmentDecision(true, 0);
    }

    private void LookForDrops()
    {
        KernelQueueCounters counters = _queue.ReadKernelCounters() ?? _known;
        long full = counters.QueueDropped - _known.QueueDropped;
        long unread = counters.UserDropped - _known.UserDropped;
        _known = counters;
        if (full + unread > 0)
        {
            KernelDropped?.Invoke(full, unread);
        }
    }

    private ImpairmentDecision Choose(PacketLane lane, TcpFlags flags)
    {
        if (_options.Schedule is not { } schedule)
        {
            return _impairments.Decide(lane, flags);
        }

        lane.Packets++;
        return schedule.Find(lane, lane.Packets);
    }

    private void Observe(in CapturedPacket captured, InterceptedPacket packet, ImpairmentDecision decision)
    {
        try
        {
            _observer?.Invoke(in captured, packet.Hook, packet.Id, decision);
        }
        catch
        {
            // The run ends now; what is decided on the way out must not fail for the same reason.
            _observer = null;
            throw;
        }
    }

    private InterceptSummary TearDown()
    {
        _passing = true;
        _released += _delivery.Count;
        long ruleCount;
        try
        {
            _delivery.ReleaseDue(long.MaxValue);
            _rules.Detach();
            Drain();
        }
        finally
        {
            ruleCount = _rules.Remove();
        }

        return Summarize(ruleCount);
    }

    // Packets that were on their way through the rules when the jumps went still come: until the kernel has none waiting.
    private void Drain()
    {
        long end = Clock.MonotonicNanoseconds() + (DrainTime.Ticks * 100);
        do
        {
            while (_queue.Receive(_handler, 0) > 0)
            {
            }
        }
        while (_queue.ReadKernelCounters() is { Waiting: > 0 } && Clock.MonotonicNanoseconds() < end);
        _queue.DrainAnswers(_handler);
    }

    private InterceptSummary Summarize(long? ruleCount)
    {
        InterceptStatistics statistics = _queue.ReadStatistics();
        long seen = statistics.Received + statistics.KernelQueueDropped + statistics.KernelUserDropped;
        return new InterceptSummary
        {
            Received = statistics.Received,
            Accepted = statistics.Accepted,
            Dropped = statistics.Dropped,
            Edited = statistics.Edited,
            LostInKernel = statistics.LostInKernel,
            Delayed = _delivery.Delayed,
            Reordered = _delivery.Reordered,
            Duplicated = _delivery.Duplicated,
            Resets = _delivery.Resets,
            Injected = _delivery.Injected,
            DuplicatesFailed = _delivery.DuplicatesFailed,
            Corrupted = _delivery.Corrupted,
            DelayErrorMedian = _delivery.Lateness.Percentile(0.5),
            DelayErrorPercentile99 = _delivery.Lateness.Percentile(0.99),
            DelayErrorMaximum = _delivery.Lateness.Maximum,
            OverRate = _overRate,
            Released = _released,
            Unmatched = _unmatched,
            KernelQueueDropped = statistics.KernelQueueDropped,
            KernelUserDropped = statistics.KernelUserDropped,
            Escaped = ruleCount is { } count ? Math.Max(count - seen, 0) : 0,
        };
    }
}
