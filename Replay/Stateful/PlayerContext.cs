namespace Interceptor.Replay.Stateful;

/// <summary>What the players of one replay share. Its thread is the loop's.</summary>
internal sealed class PlayerContext(StatefulReplayOptions options, bool asClient, EventLoop loop, StatefulReplayReport report, IStatefulReplayObserver? observer)
{
    /// <summary>How to play.</summary>
    internal StatefulReplayOptions Options { get; } = options;

    /// <summary>The clients' side is played.</summary>
    internal bool AsClient { get; } = asClient;

    /// <summary>Wakes the players.</summary>
    internal EventLoop Loop { get; } = loop;

    /// <summary>Counts.</summary>
    internal StatefulReplayReport Report { get; } = report;

    /// <summary>Is told; null for nobody.</summary>
    internal IStatefulReplayObserver? Observer { get; } = observer;

    /// <summary>Room for what comes.</summary>
    internal byte[] Received { get; } = new byte[256 * 1024];

    /// <summary>Room for what is sent.</summary>
    internal byte[] Sent { get; } = new byte[128 * 1024];

    /// <summary>Room for what should come.</summary>
    internal byte[] Expected { get; } = new byte[256 * 1024];

    /// <summary>How long the peer may be silent, ns.</summary>
    internal long AnswerTimeout { get; } = options.AnswerTimeout.Ticks * 100;
}
