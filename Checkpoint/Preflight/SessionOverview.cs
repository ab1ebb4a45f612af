using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <summary>One TCP socket of this machine as sock_diag(7) shows it at one instant, and whether it can be checkpointed.</summary>
public sealed record SessionOverview
{
    /// <summary>This machine's end.</summary>
    public required FlowEndpoint Local { get; init; }

    /// <summary>The other end; port 0 for a listening socket.</summary>
    public required FlowEndpoint Peer { get; init; }

    /// <summary>The state.</summary>
    public required TcpState State { get; init; }

    /// <summary>The socket is an IPv6 one, though the addresses may be IPv4.</summary>
    public required bool IsIpv6Socket { get; init; }

    /// <summary>The socket's inode; 0 where no process has it.</summary>
    public required long Inode { get; init; }

    /// <summary>Who made the socket.</summary>
    public required uint UserId { get; init; }

    /// <summary>The processes that have it open, as far as they may be looked at.</summary>
    public IReadOnlyList<SessionHolder> Holders { get; init; } = [];

    /// <summary>Bytes received and not read; of a listening socket, connections that wait to be accepted.</summary>
    public required long ReceiveQueue { get; init; }

    /// <summary>Bytes written and not acknowledged, sent or not; of a listening socket, how many connections may wait.</summary>
    public required long SendQueue { get; init; }

    /// <summary>What TCP_INFO tells; null in states that have none (TIME-WAIT, a handshake).</summary>
    public SessionPath? Path { get; init; }

    /// <summary>What stands in the way of a checkpoint, and what would be lost by it, as far as it shows from outside.</summary>
    public required IReadOnlyList<CheckpointObstacle> Obstacles { get; init; }

    /// <summary>True if nothing seen stands in the way.</summary>
    public bool CanCheckpoint => Obstacles.All(static obstacle => obstacle.IsLoss);
}
