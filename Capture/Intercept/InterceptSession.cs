using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// An interception from its rules to its summary: takes packets at the hooks, decides, delays, and leaves nothing behind.
/// <para>Threads: <see cref="Start"/>, <see cref="Run"/> and <see cref="Dispose"/> belong to one thread, inside the network namespace that is meant. It serves the first queue;
/// each further one has a thread of its own inside <see cref="Run"/>. The observer is called by one of them at a time. The wait for the next packet and for the next delayed
/// one is one poll with a timeout in nanoseconds: no thread and no timer for each packet. Where packets may have to wait, these threads have the lowest real-time priority
/// (SCHED_RR) inside <see cref="Run"/>, if privileges allow, so that they go on when they are due although other programs have the processors.</para>
/// </summary>
public sealed class InterceptSession : IDisposable
{
    private const long LookInterval = CaptureTimestamp.NanosecondsPerSecond;
    private readonly InterceptOptions _options;
    private readonly InterceptCourse _course;
    private readonly InterceptWorker[] _workers;
    private readonly FirewallRules _rules;
    private FirstFailure _workerFailure;
    private volatile bool _stopping;
    private InterceptSummary? _summary;

    private InterceptSession(InterceptCourse course, InterceptWorker[] workers, FirewallRules rules)
    {
        _options = course.Options;
        _course = course;
        _workers = workers;
        _rules = rules;
        OnFailure = PolicyOf(_options);
        course.Noticed = text => Noticed?.Invoke(text);
    }

    /// <summary>Raised within about a second after the kernel dropped packets of a queue on its own: how many since the last time. On the threads of the observer.</summary>
    public event Action<KernelLosses>? KernelDropped;

    /// <summary>Raised with a sentence for people: a connection that can't be edited, and why. On a thread of the session, one at a time.</summary>
    public event Action<string>? Noticed;

    /// <summary>The number of the queue in use, the first of several.</summary>
    public ushort QueueNumber => _workers[0].Queue.Number;

    /// <summary>How many queues are in use.</summary>
    public int QueueCount => _workers.Length;

    /// <summary>Queue flags that were wanted and that the kernel does not have.</summary>
    public InterceptionQueueFlags RefusedFlags => _workers[0].Queue.RefusedFlags;

    /// <summary>The policy in force.</summary>
    public FailurePolicy OnFailure { get; }

    /// <summary>The tool that made the rules.</summary>
    public FirewallBackend Backend => _rules.Backend;

    /// <summary>Where the rules are.</summary>
    public IReadOnlyList<string> Places => _rules.Places;

    /// <summary>True until the rules have been removed.</summary>
    public bool HasRules => _rules.AreInstalled;

    /// <summary>Chains of which an empty rest stayed, because a queue of somebody else was open (<see cref="FirewallRules.Leftovers"/>).</summary>
    public IReadOnlyList<string> Leftovers => _rules.Leftovers;

    /// <summary>True if the kernel could not take the filter, so that more packets come to us and the filter is applied here.</summary>
    public bool FiltersInUserSpace => _course.FiltersInUserSpace;

    /// <summary>The filter, or the part of it, that the kernel applies; null for none.</summary>
    public string? KernelFilter => _rules.KernelFilter;

    /// <summary>Opens the queues, then installs the rules. From now on matching packets wait for <see cref="Run"/>.</summary>
    /// <exception cref="LinuxException">A privilege is missing, or a queue number is taken.</exception>
    /// <exception cref="MissingToolException">The firewall's tool that was asked for is not installed.</exception>
    /// <exception cref="FirewallUnavailableException">None of the firewall's tools could install the rules; nothing is left in place.</exception>
    /// <exception cref="FirewallException">The rules could not be installed; nothing is left in place.</exception>
    public static InterceptSession Start(InterceptOptions options)
    {
        Check(options);
        bool isOpen = PolicyOf(options) == FailurePolicy.Open;
        var course = new InterceptCourse(options);
        InterceptWorker[] workers = OpenWorkers(options, isOpen, course);
        try
        {
            FirewallMatch match = FirewallMatch.All;
            if (options.Filter is not null && !FirewallMatch.TryFromFilter(options.Filter, out match))
            {
                course.FilterHere();
            }

            match = match with { ExceptMark = FirewallMatch.OwnMark };
            FirewallTarget target = FirewallTarget.ToQueue(workers[0].Queue.Number, bypass: isOpen, workers.Length);
            FirewallRules rules = FirewallRules.Install(
                [.. options.Hooks.Distinct().Select(hook => new FirewallRule(hook, match, target))],
                new FirewallOptions { Backend = options.Backend, MayTakeMore = true });
            if (rules.TakesMore)
            {
                course.FilterHere();
            }

            return new InterceptSession(course, workers, rules);
        }
        catch
        {
            Array.ForEach(workers, worker => worker.Dispose());
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
        using CancellationTokenRegistration registration = cancellation.Register(_workers[0].Queue.Wake);
        Thread[] others = [.. _workers.Skip(1).Select(StartThread)];
        InterceptSummary summary;
        try
        {
            DriveFirst(cancellation);
        }
        finally
        {
            _stopping = true;
            Array.ForEach(_workers, worker => worker.Queue.Wake());
            Array.ForEach(others, thread => thread.Join());
            _summary = summary = TearDown();
        }

        _workerFailure.Throw();
        return summary;
    }

    /// <summary>The counters so far; <see cref="InterceptSummary.Escaped"/> is known only at the end. Any thread; taken while packets flow, they may be some
    /// packets apart.</summary>
    public InterceptSummary ReadSummary() => Summarize(ruleCount: null);

    /// <summary>Removes the rules and closes the queues, if <see cref="Run"/> has not done it.</summary>
    public void Dispose()
    {
        try
        {
            _summary ??= TearDown();
        }
        finally
        {
            Array.ForEach(_workers, worker => worker.Dispose());
        }
    }

    private static void Check(InterceptOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Impairments.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.QueueCount, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.QueueCount, InterceptOptions.MaxQueues, nameof(options));
        if (options.Schedule is not null && !options.Impairments.IsNone)
        {
            throw new ArgumentException("A schedule says all that is done: nothing else goes with it.", nameof(options));
        }

        if (options.Hooks.Count == 0)
        {
            throw new ArgumentException("There is no hook to take packets at.", nameof(options));
        }

        if (options.QueueNumber + options.QueueCount - 1 > ushort.MaxValue)
        {
            throw new ArgumentException($"Queue numbers end at {ushort.MaxValue}.", nameof(options));
        }
    }

    private static FailurePolicy PolicyOf(InterceptOptions options) =>
        options.OnFailure ?? (options.IsLookingOnly ? FailurePolicy.Open : FailurePolicy.Closed);

    private static InterceptWorker[] OpenWorkers(InterceptOptions options, bool isOpen, InterceptCourse course)
    {
        var template = new InterceptionQueueOptions
        {
            Number = 0,
            MaxLength = options.QueueLength,
            ReceiveBufferBytes = options.ReceiveBufferBytes,
            Flags = (options.TakesSuperPackets ? InterceptionQueueFlags.Gso : InterceptionQueueFlags.None)
                | InterceptionQueueFlags.UserAndGroup | (isOpen ? InterceptionQueueFlags.FailOpen : InterceptionQueueFlags.None),
            Default = isOpen ? DefaultVerdict.Accept : DefaultVerdict.Drop,
        };
        InterceptionQueue[] queues = QueueRange.Open(template, options.QueueNumber, options.QueueCount);
        var workers = new List<InterceptWorker>(queues.Length);
        try
        {
            foreach (InterceptionQueue queue in queues)
            {
                workers.Add(new InterceptWorker(queue, course));
            }

            return [.. workers];
        }
        catch
        {
            workers.ForEach(worker => worker.Dispose());
            Array.ForEach(queues, queue => queue.Dispose());
            throw;
        }
    }

    private Thread StartThread(InterceptWorker worker)
    {
        var thread = new Thread(() => DriveOther(worker)) { IsBackground = true, Name = $"queue {worker.Queue.Number}" };
        thread.Start();
        return thread;
    }

    private void DriveFirst(CancellationToken cancellation)
    {
        using PromptThread? prompt = _options.MayDelay ? PromptThread.Enter() : null;
        long end = _options.Duration is { } duration ? Clock.MonotonicNanoseconds() + (duration.Ticks * 100) : long.MaxValue;
        long nextLook = 0;
        while (!cancellation.IsCancellationRequested && !_stopping && !_course.IsFull)
        {
            long now = Clock.MonotonicNanoseconds();
            if (now >= end)
            {
                break;
            }

            Turn(_workers[0], now, end, ref nextLook);
        }
    }

    private void DriveOther(InterceptWorker worker)
    {
        try
        {
            using PromptThread? prompt = _options.MayDelay ? PromptThread.Enter() : null;
            long nextLook = 0;
            while (!_stopping && !_course.IsFull)
            {
                Turn(worker, Clock.MonotonicNanoseconds(), long.MaxValue, ref nextLook);
            }
        }
#pragma warning disable CA1031 // A thread's last frame: the failure ends the run, and comes out of it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            using InterceptCourse.Turn turn = _course.Enter();
            _workerFailure.Take(exception);
            _stopping = true;
        }

        // The limit may have been reached here, or the run failed: the session's thread has to know.
        _workers[0].Queue.Wake();
    }

    private void Turn(InterceptWorker worker, long now, long until, ref long nextLook)
    {
        if (now >= nextLook)
        {
            nextLook = now + LookInterval;
            KernelLosses losses = worker.LookForLosses();
            if (!losses.IsNone)
            {
                using InterceptCourse.Turn turn = _course.Enter();
                KernelDropped?.Invoke(losses);
            }
        }

        worker.Work(now, Math.Min(until, nextLook));
    }

    // What waits goes first and the rules then: nothing is held any more when a chain goes, and a packet that comes in between passes.
    private InterceptSummary TearDown()
    {
        _course.IsPassing = true;
        var failure = default(FirstFailure);
        foreach (InterceptWorker worker in _workers)
        {
            failure.Try(worker.LetGo);
        }

        failure.Try(_rules.Detach);
        foreach (InterceptWorker worker in _workers)
        {
            failure.Try(worker.Drain);
        }

        long ruleCount = 0;
        failure.Try(() => ruleCount = _rules.Remove());
        failure.Throw();
        return Summarize(ruleCount);
    }

    private InterceptSummary Summarize(long? ruleCount)
    {
        InterceptSummary summary = _workers.Select(worker => worker.Summarize()).Aggregate((first, second) => first.Plus(second));
        long seen = summary.Received + summary.KernelQueueDropped + summary.KernelUserDropped;
        HoldCounters held = _options.Hold?.Counters ?? default;
        return summary with
        {
            Held = held.Held,
            Released = summary.Released + held.Released,
            DelayErrorMedian = _course.Lateness.Percentile(0.5),
            DelayErrorPercentile99 = _course.Lateness.Percentile(0.99),
            DelayErrorMaximum = _course.Lateness.Maximum,
            OverRate = _course.OverRate,
            Unmatched = _course.Unmatched,
            Escaped = ruleCount is { } count ? Math.Max(count - seen, 0) : 0,
        };
    }
}
