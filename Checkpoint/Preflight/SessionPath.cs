namespace Interceptor.Checkpoint;

/// <summary>How a connection does on its path (TCP_INFO).</summary>
public sealed record SessionPath
{
    /// <summary>Bytes written that were never sent.</summary>
    public required uint UnsentBytes { get; init; }

    /// <summary>SND.WND, bytes; 0 also before Linux 6.2.</summary>
    public required uint SndWnd { get; init; }

    /// <summary>RCV.WND, bytes; 0 also before Linux 6.2.</summary>
    public required uint RcvWnd { get; init; }

    /// <summary>The smoothed round-trip time; 0 where none was measured.</summary>
    public required TimeSpan RoundTripTime { get; init; }

    /// <summary>The retransmission timeout.</summary>
    public required TimeSpan RetransmissionTimeout { get; init; }

    /// <summary>Largest segment sent, bytes of data.</summary>
    public required uint SndMss { get; init; }

    /// <summary>Segments sent again, all together.</summary>
    public required uint Retransmissions { get; init; }

    /// <summary>The congestion control's name.</summary>
    public required string CongestionControl { get; init; }
}
