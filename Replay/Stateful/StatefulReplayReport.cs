using Interceptor.Capture;

namespace Interceptor.Replay.Stateful;

/// <summary>What a stateful replay did. While it runs, another thread may look at it; the numbers are then of slightly different instants.</summary>
public sealed class StatefulReplayReport
{
    /// <summary>Connections to play.</summary>
    public long Total { get; internal set; }

    /// <summary>Connections that were played, or tried.</summary>
    public long Connections { get; internal set; }

    /// <summary>Connections whose other end was what it was in the capture.</summary>
    public long Matched { get; internal set; }

    /// <summary>Connections that differed, or could not be opened.</summary>
    public long Diverged { get; internal set; }

    /// <summary>Connections that were opened.</summary>
    public long Opened { get; internal set; }

    /// <summary>Connections that the end of the replay cut short.</summary>
    public long Interrupted { get; internal set; }

    /// <summary>Connections open now.</summary>
    public long Open { get; internal set; }

    /// <summary>Most connections open at a time.</summary>
    public long MostOpen { get; internal set; }

    /// <summary>Differences.</summary>
    public long Divergences { get; internal set; }

    /// <summary>Stretches that a mask let pass.</summary>
    public long Masked { get; internal set; }

    /// <summary>Packets of the capture whose data were sent again: the kernel cuts its own segments.</summary>
    public long Packets { get; internal set; }

    /// <summary>Stream bytes sent.</summary>
    public long Bytes { get; internal set; }

    /// <summary>Stream bytes that came.</summary>
    public long ReceivedBytes { get; internal set; }

    /// <summary>Connections of the capture that no client asked for, as a server.</summary>
    public long NotAsked { get; internal set; }

    /// <summary>Clients that came for which the capture had no connection any more.</summary>
    public long Unexpected { get; internal set; }

    /// <summary>Connections whose captured client port was taken: another one was used.</summary>
    public long OtherPorts { get; internal set; }

    /// <summary>Connections with the captured initial sequence number.</summary>
    public long CapturedSequences { get; internal set; }

    /// <summary>Why sockets could not get the captured sequence numbers; null where they did or it was not asked for.</summary>
    public string? RepairFailure { get; internal set; }

    /// <summary>From the start to the end, ns.</summary>
    public long ElapsedNanoseconds { get; internal set; }

    /// <summary>How late each step was, counted from its due time.</summary>
    public TimingErrors Timing { get; } = new();

    /// <summary>From each of our sends to the peer's next byte, in the capture.</summary>
    public TimingErrors CapturedAnswers { get; } = new();

    /// <summary>The same in the replay.</summary>
    public TimingErrors Answers { get; } = new();
}
