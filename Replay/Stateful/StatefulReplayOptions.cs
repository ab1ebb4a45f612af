using Interceptor.Packets;

namespace Interceptor.Replay.Stateful;

/// <summary>How the connections of a capture are played to a real peer. Immutable.</summary>
public sealed record StatefulReplayOptions
{
    /// <summary>As a client: where to connect to. Null to play the servers.</summary>
    public IpAddress? Target { get; init; }

    /// <summary>The port to connect to, or to listen on; null for the captured one of each connection.</summary>
    public ushort? Port { get; init; }

    /// <summary>As a server: the address to listen on; null for all.</summary>
    public IpAddress? ListenAddress { get; init; }

    /// <summary>As a server: the interface that connections come in by; null for any.</summary>
    public string? Interface { get; init; }

    /// <summary>How the capture's times become the replay's.</summary>
    public ConversationPace Pace { get; init; } = ConversationPace.Original;

    /// <summary>Connections open at a time at most; null for as many as in the capture.</summary>
    public int? MaximumConnections { get; init; }

    /// <summary>What may differ.</summary>
    public IReadOnlyList<StreamMask> Masks { get; init; } = [];

    /// <summary>How long the peer may send nothing where it is waited for, beyond the wait in the capture. Default: 5 s, so that a lost packet or two are not taken for silence.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Differences of one connection that are told; the others are only counted. Default: 10.</summary>
    public int MaximumDivergences { get; init; } = 10;

    /// <summary>Give a client's socket the captured initial sequence number, where the privilege for that (CAP_NET_ADMIN) is there. Default: true.</summary>
    public bool UsesRepair { get; init; } = true;

    /// <summary>Ends the replay after so long; null for its end.</summary>
    public TimeSpan? Duration { get; init; }
}
