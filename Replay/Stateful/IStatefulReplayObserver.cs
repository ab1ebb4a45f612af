namespace Interceptor.Replay.Stateful;

/// <summary>Is told of a stateful replay while it runs, on its thread.</summary>
public interface IStatefulReplayObserver
{
    /// <summary>A difference, within the limit for each connection.</summary>
    void Diverged(ReplayDivergence divergence);

    /// <summary>A connection is over.</summary>
    void Ended(ConversationOutcome outcome);

    /// <summary>As a server: it listens there now; clients can come.</summary>
    void Listening(Packets.FlowEndpoint address);
}
