namespace Interceptor.Tcp;

/// <summary>
/// How long a peer waits for an end that is silent: what Linux does with data that nobody acknowledges (tcp_write_timeout and retransmits_timed_out, net/ipv4/tcp_timer.c). An estimate:
/// the peer's timeout is taken for ours, as both measure the same path; its tcp_retries2 for this system's; its user timeout, which would be shorter, is unknown.
/// A peer that has nothing under way waits for ever, unless it sends keepalives. Pure.
/// </summary>
/// <param name="RetransmitsAfter">From its sending until it sends the same again.</param>
/// <param name="GivesUpAfter">From its sending until it ends the connection, at the earliest: the kernel counts from its first repetition, and a probe for a lost tail may be that.</param>
/// <param name="Retransmissions">How often it sends the same again until then.</param>
public sealed record PeerPatience(TimeSpan RetransmitsAfter, TimeSpan GivesUpAfter, int Retransmissions)
{
    private const long NanosecondsPerTick = 100;

    /// <summary>The estimate.</summary>
    /// <param name="timeout">The retransmission timeout without backing off; below Linux's least it is that.</param>
    /// <param name="retries">tcp_retries2; 15 unless someone has set it.</param>
    public static PeerPatience Estimate(TimeSpan timeout, int retries)
    {
        const long Least = TcpEndpoint.MinimumTimeout / NanosecondsPerTick;
        const long Most = RetransmissionTimer.MaximumTimeout / NanosecondsPerTick;
        long interval = Math.Clamp(timeout.Ticks, Least, Most);
        long limit = 0;
        long step = Least;
        for (int i = 0; i <= Math.Clamp(retries, 0, byte.MaxValue); i++)
        {
            // tcp_model_timeout: doubling from the least timeout on, whatever the connection's own is.
            limit += step;
            step = Math.Min(step * 2, Most);
        }

        long first = interval;
        long elapsed = interval;
        int repetitions = 0;
        while (elapsed < limit)
        {
            repetitions++;
            interval = Math.Min(interval * 2, Most);
            elapsed += interval;
        }

        return new PeerPatience(TimeSpan.FromTicks(first), TimeSpan.FromTicks(elapsed), repetitions);
    }
}
