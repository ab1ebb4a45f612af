using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// An interception from its rules to its summary: takes packets at the hooks, decides, delays, and leaves nothing behind.
/// <para>Threads: <see cref="Start"/>, <see cref="Run"/> and <see cref="Dispose"/> belong to one thread, inside the network namespace that is meant; everything
/// (receiving, timers, the observer) happens on it inside <see cref="Run"/>. The wait for the next packet and for the next delayed one is one
/// poll with a timeout in nanoseconds: no thread and no timer for each packet. Where packets may have to wait, the thread has the lowest real-time priority (SCHED_RR) inside
/// <see cref="Run"/>, if privileges allow, so that they go on when they are due although other programs have the processors.</para>
/// </summary>
public sealed class InterceptSession : IDisposable
{
    private const int FirstAutomaticQueue = 20000;
    private const int AutomaticQueues = 20000;
    private const long LookInterval = CaptureTimestamp.NanosecondsPerSecond;
    private readonly InterceptOptions _options;
    private readonly InterceptCourse _course;
    private readonly InterceptWorker _worker;
    private readonly FirewallRules _rules;
    private long _nextLook;
    private InterceptSummary? _summary;

    private InterceptSession(InterceptCourse course, InterceptWorker worker, FirewallRules rules)
    {
        _options = course.Options;
        _course = course;
        _worker = worker;
        _rules = rules;
        OnFailure = PolicyOf(_options);
    }

    /// <summary>
    /// Raised on the session's thread within about a second after the kernel dropped packets before we saw them: how many since the last time, because the queue was full
    /// and because the receive buffer was.
    /// </summary>
    public event Action<long, long>? KernelDropped;

    /// <summary>The queue number in use.</summary>
    public ushort QueueNumber => _worker.Queue.Number;

    /// <summary>Queue flags that were wanted and that the kernel does not have.</summary>
    public InterceptionQueueFlags RefusedFlags => _worker.Queue.RefusedFlags;

    /// <summary>The policy in force.</summary>
    public FailurePolicy OnFailure { get; }

    /// <summary>Where the rules are.</summary>
    public IReadOnlyList<string> Places => _rules.Places;

    /// <summary>True if the kernel could not take the filter, so that every packet comes to us and the filter is applied here.</summary>
    public bool FiltersInUserSpace => _course.FiltersInUserSpace;

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
        var course = new InterceptCourse(options, fits ? null : options.Filter);
        var worker = new InterceptWorker(OpenQueue(options, isOpen), course);
        try
        {
            FirewallTarget target = FirewallTarget.ToQueue(worker.Queue.Number, bypass: isOpen);
            FirewallRules rules = FirewallRules.Install(
                [.. options.Hooks.Distinct().Select(hook => new FirewallRule(hook, match, target))], new FirewallOptions { Backend = options.Backend });
            return new InterceptSession(course, worker, rules);
        }
        catch
        {
            worker.Dispose();
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
        _course.Watch(observer);
        using CancellationTokenRegistration registration = cancellation.Register(_worker.Queue.Wake);
        long end = _options.Duration is { } duration ? Clock.MonotonicNanoseconds() + (duration.Ticks * 100) : long.MaxValue;
        InterceptSummary summary;
        try
        {
            using PromptThread? prompt = _options.MayDelay ? PromptThread.Enter() : null;
            while (!cancellation.IsCancellationRequested && !_course.IsFull)
            {
                long now = Clock.MonotonicNanoseconds();
                if (now >= end)
                {
                    break;
                }

                _worker.ReleaseDue(now);
                if (now >= _nextLook)
                {
                    LookForDrops();
                    _nextLook = now + LookInterval;
                }

                long next = Math.Min(Math.Min(end, _nextLook), _worker.NextDue);
                _worker.Receive(Math.Max(next - now, 1));
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
            _worker.Dispose();
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

    private void LookForDrops()
    {
        (long full, long unread) = _worker.LookForDrops();
        if (full + unread > 0)
        {
            KernelDropped?.Invoke(full, unread);
        }
    }

    private InterceptSummary TearDown()
    {
        _course.IsPassing = true;
        long ruleCount;
        try
        {
            _worker.LetGo();
            _rules.Detach();
            _worker.Drain();
        }
        finally
        {
            ruleCount = _rules.Remove();
        }

        return Summarize(ruleCount);
    }

    private InterceptSummary Summarize(long? ruleCount)
    {
        InterceptSummary summary = _worker.Summarize();
        long seen = summary.Received + summary.KernelQueueDropped + summary.KernelUserDropped;
        HoldCounters held = _options.Hold?.Counters ?? default;
        return summary with
        {
            Held = held.Held,
            Released = summary.Released + held.Released,
            OverRate = _course.OverRate,
            Unmatched = _course.Unmatched,
            Escaped = ruleCount is { } count ? Math.Max(count - seen, 0) : 0,
        };
    }
}
