using Interceptor.Packets;

namespace Interceptor.Replay.Stateful;

/// <summary>One place in which a replayed connection was not the captured one.</summary>
public sealed record ReplayDivergence
{
    /// <summary>The connection's id in the capture; null for a client without one.</summary>
    public int? ConnectionId { get; init; }

    /// <summary>The client of the capture, or the one that came.</summary>
    public FlowEndpoint Client { get; init; }

    /// <summary>The server of the capture.</summary>
    public FlowEndpoint Server { get; init; }

    /// <summary>Whose stream it is about: what the server sent, or the client.</summary>
    public bool IsOfServer { get; init; }

    /// <summary>What.</summary>
    public DivergenceKind Kind { get; init; }

    /// <summary>Where in the captured stream, in bytes from its beginning.</summary>
    public long Offset { get; init; }

    /// <summary>Number of the packet in the capture that carried the byte there; null where there is none.</summary>
    public long? Packet { get; init; }

    /// <summary>Captured bytes that it concerns.</summary>
    public long ExpectedLength { get; init; }

    /// <summary>Bytes that came instead.</summary>
    public long SeenLength { get; init; }

    /// <summary>The first of the captured bytes.</summary>
    public ReadOnlyMemory<byte> Expected { get; init; }

    /// <summary>The first of the bytes that came.</summary>
    public ReadOnlyMemory<byte> Seen { get; init; }

    /// <summary>The system's reason, for connections that were refused or reset; null for others.</summary>
    public string? Reason { get; init; }
}
