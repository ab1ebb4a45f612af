using Interceptor.Checkpoint;

namespace Interceptor.Replay;

/// <content>Connections that go into one set.</content>
internal sealed partial class SessionWard
{
    /// <summary>The set, if it is on disk as a whole; null where there is to be none.</summary>
    private SessionSet? ReadSet()
    {
        try
        {
            return _order!.Set is { } order && SessionSet.Read(order.Directory) is { } set && set.Id == order.Id ? set : null;
        }
        catch (CheckpointException)
        {
            return null;
        }
    }

    /// <summary>
    /// The names of the connections that the set has instead of their owner, by all or none: with the first original closed there is no way back, and the others follow it. Null where there is
    /// to be no set. What was left out of it is not among them, and one that is gone without a set had ended by itself.
    /// </summary>
    private HashSet<string>? TakenWith(SessionSet? set)
    {
        if (_order!.Set is null)
        {
            return null;
        }

        HashSet<string> members = set is null ? [] : [.. set.Members.Select(static member => $"{member.Local}-{member.Peer}")];
        return _connections.Exists(connection => connection.Socket is { IsDissolved: true } && members.Contains(connection.Order.Name)) ? members : [];
    }

    /// <summary>Closes the original beside its image, unless it is closed.</summary>
    private static void CloseToo(Connection connection)
    {
        if (connection.Socket is not { IsDissolved: false } socket)
        {
            return;
        }

        try
        {
            socket.CloseSilently();
        }
        catch
        {
            // Beside its image, and behind the lock.
            socket.Resume();
            throw;
        }
    }

    private string SetOutcome(SessionGuardSet order)
    {
        int taken = _connections.Count(static connection => connection.Fate == Fate.Taken);
        string rest = taken == 0 ? "they go on with their owner." : $"{taken} are in the set {order.Directory}: interceptor restore {order.Directory} goes on with them.";
        return $"process {_order!.Pid} ended within its work on {_connections.Count} connections of process {_order.OwnerPid}: {rest}";
    }
}
