using Interceptor.Packets;

namespace Interceptor.Tcp.Rebuild;

/// <summary>Which end of which connection of a capture is rebuilt, and what the packets don't say of it.</summary>
public sealed record RebuildRequest
{
    /// <summary>The connection's id, as <see cref="TcpConnection.Id"/>; null where <see cref="Ends"/> names it.</summary>
    public int? ConnectionId { get; init; }

    /// <summary>The connection by its ends, the one to rebuild first; the last of them where the addresses and ports had several.</summary>
    public (FlowEndpoint Local, FlowEndpoint Peer)? Ends { get; init; }

    /// <summary>Rebuild the client's end; otherwise the server's. Without meaning where <see cref="Ends"/> is given.</summary>
    public bool IsClient { get; init; }

    /// <summary>
    /// How many bytes of the peer's stream the application had read, counted from the connection's first one: what came behind them is unread. Null: it had read everything
    /// that came in order.
    /// </summary>
    public long? ReadOffset { get; init; }

    /// <summary>What the SYNs said that the capture does not have.</summary>
    public HandshakeAssumptions Assumptions { get; init; } = new();
}
