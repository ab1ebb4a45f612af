using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Replay.Stateful;

/// <summary>
/// Plays the connections of a capture to a real peer, over the kernel's own TCP: as the clients, or as the servers. One thread, whatever the number of connections.
/// <para>Threads: <see cref="Run"/> takes over the calling thread, whose network namespace the sockets belong to; <see cref="Report"/> may be looked at on any.</para>
/// </summary>
public sealed class StatefulReplayer
{
    private readonly IReadOnlyList<ConversationScript> _scripts;
    private readonly StatefulReplayOptions _options;
    private readonly IStatefulReplayObserver? _observer;

    /// <summary>Ready to run once.</summary>
    /// <param name="scripts">What to play; read for the side that the options say.</param>
    /// <param name="options">How.</param>
    /// <param name="observer">Is told while it runs; null for nobody.</param>
    public StatefulReplayer(IReadOnlyList<ConversationScript> scripts, StatefulReplayOptions options, IStatefulReplayObserver? observer = null)
    {
        ArgumentNullException.ThrowIfNull(scripts);
        ArgumentNullException.ThrowIfNull(options);
        _scripts = scripts;
        _options = options;
        _observer = observer;
        Report.Total = scripts.Count;
    }

    /// <summary>What was done so far.</summary>
    public StatefulReplayReport Report { get; } = new();

    /// <summary>Plays until every connection is over, or the time is, or it is cancelled.</summary>
    /// <exception cref="LinuxException">As a server it can't listen.</exception>
    public StatefulReplayReport Run(CancellationToken cancellation = default)
    {
        using var loop = new EventLoop();
        using CancellationTokenRegistration stop = cancellation.Register(loop.Stop);
        nuint slack = MonotonicSleep.SetTimerSlack(1);
        long start = EventLoop.Now;
        long deadline = _options.Duration is { } duration ? start + (duration.Ticks * 100) : long.MaxValue;
        var context = new PlayerContext(_options, _options.Target is not null, loop, Report, _observer);
        try
        {
            if (context.AsClient)
            {
                using var opener = new ConversationOpener(context, _scripts, new FlowEndpoint(_options.Target!.Value, 0));
                loop.Run(() => opener.IsOver, deadline);
                opener.Interrupt(EventLoop.Now);
            }
            else
            {
                using var host = new ConversationHost(context, _scripts);
                loop.Run(() => host.IsOver, deadline);
                host.Interrupt(EventLoop.Now);
            }
        }
        finally
        {
            _ = MonotonicSleep.SetTimerSlack(slack);
            Report.ElapsedNanoseconds = EventLoop.Now - start;
        }

        return Report;
    }
}
