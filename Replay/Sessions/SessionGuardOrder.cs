using System.Text.Json.Serialization;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;

namespace Interceptor.Replay;

/// <summary>What a guard is told before the freeze. Descriptors are numbers in the guarded process, which the guard duplicates out of it.</summary>
internal sealed record SessionGuardOrder
{
    /// <summary>The guarded process.</summary>
    public required int Pid { get; init; }

    /// <summary>Its start time, as in the comments of its firewall rules.</summary>
    public required ulong StartTime { get; init; }

    /// <summary>The number of the process that has the connections.</summary>
    public required int OwnerPid { get; init; }

    /// <summary>Its pidfd.</summary>
    public required int Owner { get; init; }

    /// <summary>The queues that hold the connections' packets, those whose packets go on first (the owner's) first.</summary>
    public required IReadOnlyList<SessionGuardQueue> Queues { get; init; }

    /// <summary>The connections.</summary>
    public required IReadOnlyList<SessionGuardConnection> Connections { get; init; }

    /// <summary>The set that all of them go into; null where each has an image of its own, or none.</summary>
    public SessionGuardSet? Set { get; init; }

    /// <summary>A file in memory for the image of a connection that goes to no disk (<see cref="SessionGuardMemory"/>); -1 for none.</summary>
    public int Memory { get; init; } = -1;

    /// <summary>The order of this process for one connection, whose owner still runs.</summary>
    /// <param name="socket">Its socket, not in repair yet.</param>
    /// <param name="hold">The queues; null for none.</param>
    /// <param name="imageId">The id of its lock and image; null where that is not known yet.</param>
    /// <param name="directory">Where its image goes; null for no disk.</param>
    internal static SessionGuardOrder For(PausedSocket socket, SessionHold? hold, string? imageId, string? directory) => new()
    {
        Pid = FirewallOwner.Current.ProcessId,
        StartTime = FirewallOwner.Current.StartTime,
        OwnerPid = socket.Owner.Pid,
        Owner = socket.OwnerDescriptorNumber,
        Queues = QueuesOf(hold),
        Connections = [ConnectionOf(socket) with { ImageId = imageId, Directory = directory is null ? null : FullPathOf(directory) }],
    };

    /// <summary>The order of this process for all connections of a process that still runs.</summary>
    /// <param name="connections">Its connections, none in repair yet.</param>
    /// <param name="hold">The queues; null for none.</param>
    /// <param name="setId">The id of the lock and the set.</param>
    /// <param name="directory">Where the set goes.</param>
    internal static SessionGuardOrder For(ProcessConnections connections, SessionHold? hold, string setId, string directory) => new()
    {
        Pid = FirewallOwner.Current.ProcessId,
        StartTime = FirewallOwner.Current.StartTime,
        OwnerPid = connections.Pid,
        Owner = connections.OwnerDescriptorNumber,
        Queues = QueuesOf(hold),
        Connections = [.. connections.Sockets.Select(ConnectionOf)],
        Set = new SessionGuardSet(setId, FullPathOf(directory)),
    };

    /// <summary>Without a separator at its end, behind which its parent would be itself.</summary>
    private static string FullPathOf(string directory) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));

    private static SessionGuardConnection ConnectionOf(PausedSocket socket) =>
        new() { Name = $"{socket.Owner.Local}-{socket.Owner.Peer}", Socket = socket.DescriptorNumber };

    private static IReadOnlyList<SessionGuardQueue> QueuesOf(SessionHold? hold) => hold is null ? [] : [QueueOf(hold.Outbound), QueueOf(hold.Inbound)];

    private static SessionGuardQueue QueueOf(PacketHold hold) => new(hold.QueueNumber, hold.DescriptorNumber);
}

/// <summary>A queue.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Descriptor">Its netlink socket.</param>
internal sealed record SessionGuardQueue(ushort Number, int Descriptor);

/// <summary>A set of images.</summary>
/// <param name="Id">Its id, and its lock's.</param>
/// <param name="Directory">Where it goes, as a full path.</param>
internal sealed record SessionGuardSet(string Id, string Directory);

/// <summary>A connection.</summary>
internal sealed record SessionGuardConnection
{
    /// <summary>What it is called in messages.</summary>
    public required string Name { get; init; }

    /// <summary>The duplicate of its socket.</summary>
    public required int Socket { get; init; }

    /// <summary>The id of its lock and of its image.</summary>
    public string? ImageId { get; init; }

    /// <summary>Where its image goes, as a full path; null where it goes to no disk.</summary>
    public string? Directory { get; init; }
}

/// <summary>How an order is written: one line.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SessionGuardOrder))]
internal sealed partial class SessionGuardJson : JsonSerializerContext;
