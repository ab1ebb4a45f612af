namespace Interceptor.Checkpoint;

/// <summary>Fields of the kernel's tcp_info worth keeping. Times are microseconds, sizes bytes.</summary>
public sealed record SessionCounters
{
    /// <summary>tcpi_bytes_received: bytes received in order since this socket began; the peer's FIN counts as one.</summary>
    public ulong BytesReceived { get; init; }

    /// <summary>tcpi_bytes_acked: sequence numbers acknowledged since this socket began; a connecting socket's SYN counts, an accepted one's does not; a FIN does.</summary>
    public ulong BytesAcked { get; init; }

    /// <summary>tcpi_bytes_sent: payload bytes sent, retransmissions too.</summary>
    public ulong BytesSent { get; init; }

    /// <summary>tcpi_bytes_retrans.</summary>
    public ulong BytesRetransmitted { get; init; }

    /// <summary>tcpi_segs_in.</summary>
    public uint SegmentsIn { get; init; }

    /// <summary>tcpi_segs_out.</summary>
    public uint SegmentsOut { get; init; }

    /// <summary>tcpi_total_retrans: segments.</summary>
    public uint Retransmissions { get; init; }

    /// <summary>tcpi_rtt, smoothed.</summary>
    public uint RttMicroseconds { get; init; }

    /// <summary>tcpi_rttvar.</summary>
    public uint RttVarianceMicroseconds { get; init; }

    /// <summary>tcpi_rto.</summary>
    public uint RtoMicroseconds { get; init; }

    /// <summary>tcpi_snd_cwnd: segments.</summary>
    public uint CongestionWindow { get; init; }

    /// <summary>tcpi_snd_ssthresh: segments.</summary>
    public uint SlowStartThreshold { get; init; }

    /// <summary>tcpi_snd_mss: payload bytes of a full segment, options deducted.</summary>
    public uint SendMss { get; init; }

    /// <summary>tcpi_pmtu.</summary>
    public uint PathMtu { get; init; }

    /// <summary>tcpi_rcv_ooopack: segments received out of order since this socket began.</summary>
    public uint OutOfOrderSegments { get; init; }
}
