namespace Interceptor.Tcp.Rebuild;

/// <summary>What the SYNs of a connection said, where the capture does not have them. Null: not given.</summary>
public sealed record HandshakeAssumptions
{
    /// <summary>The segment size that the peer announced, bytes.</summary>
    public int? Mss { get; init; }

    /// <summary>Both ends scale their windows, or not.</summary>
    public bool? WindowScaling { get; init; }

    /// <summary>Shift of the peer's windows, 0 to 14.</summary>
    public int? SndWindowScale { get; init; }

    /// <summary>Shift of this end's windows, 0 to 14.</summary>
    public int? RcvWindowScale { get; init; }

    /// <summary>Both ends agreed on SACK, or not.</summary>
    public bool? SackPermitted { get; init; }
}
