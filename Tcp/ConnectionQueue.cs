namespace Interceptor.Tcp;

/// <summary>
/// Connections of one kind, those that wait longest first. The links are in the connections, so that nothing is allocated and leaving is free. A packet does not
/// move its connection: whoever was busy since it stood in line goes to the end when its turn comes (the "second chance" of page replacement).
/// </summary>
internal sealed class ConnectionQueue
{
    private TcpConnection? _first;
    private TcpConnection? _last;

    internal int Count { get; private set; }

    internal IEnumerable<TcpConnection> All
    {
        get
        {
            for (TcpConnection? connection = _first; connection is not null; connection = connection.Behind)
            {
                yield return connection;
            }
        }
    }

    internal void Append(TcpConnection connection)
    {
        connection.Queue = this;
        connection.QueuedAt = connection.LastPacketAt;
        connection.Before = _last;
        connection.Behind = null;
        if (_last is null)
        {
            _first = connection;
        }
        else
        {
            _last.Behind = connection;
        }

        _last = connection;
        Count++;
    }

    internal void Remove(TcpConnection connection)
    {
        if (connection.Before is null)
        {
            _first = connection.Behind;
        }
        else
        {
            connection.Before.Behind = connection.Behind;
        }

        if (connection.Behind is null)
        {
            _last = connection.Before;
        }
        else
        {
            connection.Behind.Before = connection.Before;
        }

        connection.Before = null;
        connection.Behind = null;
        connection.Queue = null;
        Count--;
    }

    /// <summary>The one that has been without a packet for longest, as far as the order of the queue tells; null if it is empty.</summary>
    internal TcpConnection? FindIdle()
    {
        while (_first is { } connection)
        {
            if (connection.QueuedAt == connection.LastPacketAt)
            {
                return connection;
            }

            Remove(connection);
            Append(connection);
        }

        return null;
    }
}
