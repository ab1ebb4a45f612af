using Interceptor.Checkpoint;

namespace Interceptor.Replay;

/// <summary>How an image is restored.</summary>
public sealed record SessionRestoreOptions
{
    /// <summary>What an encrypted image is read with; stays the caller's.</summary>
    public SessionKey? Key { get; init; }

    /// <summary>Restore it although it was restored before.</summary>
    public bool Force { get; init; }

    /// <summary>Tell the neighbours that the connection's address is here now (<see cref="Capture.Injection.AddressAnnouncer"/>): after it was moved from another machine or namespace.</summary>
    public bool Announce { get; init; }

    /// <summary>A capture of the connection's packets, whose bytes of the peer beyond what the image received are given to the socket (<see cref="PeerPackets"/>); null for none.</summary>
    public string? PacketsFrom { get; init; }

    /// <summary>Make the connection known to connection tracking where that does not know it (<see cref="ConnectionTracking"/>).</summary>
    public bool Track { get; init; } = true;

    /// <summary>Called before each step (false) and behind it (true). For tests that let it fail.</summary>
    internal Action<SessionStep, bool>? StepObserver { get; init; }
}
