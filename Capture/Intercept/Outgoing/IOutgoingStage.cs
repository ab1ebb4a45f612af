namespace Interceptor.Capture.Intercept;

/// <summary>
/// One thing that is done to packets that the impairments let go on; the last one gives the verdict (<see cref="PacketExit"/>).
/// <para>Threads: that of its worker.</para>
/// </summary>
internal interface IOutgoingStage
{
    /// <summary>Packets must come with their bytes, also those that were delayed.</summary>
    bool NeedsBytes { get; }

    /// <summary>When to call <see cref="ReleaseDue"/> next (nanoseconds, monotonic); <see cref="long.MaxValue"/> for not at all.</summary>
    long NextDue { get; }

    /// <summary>Takes the packet over: passes it to the next stage, ends it, or keeps it for later.</summary>
    void Pass(in OutgoingPacket packet);

    /// <summary>Does what is due at <paramref name="now"/>. The caller flushes the verdicts.</summary>
    void ReleaseDue(long now);

    /// <summary>Lets go on what is kept, and keeps nothing from now on; packets may still come.</summary>
    void End();
}
