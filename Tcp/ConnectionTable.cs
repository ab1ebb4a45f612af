using Interceptor.Packets;

namespace Interceptor.Tcp;

/// <summary>Finds a connection by its addresses and ports, in either direction. The links are in the connections: one array of references, nothing else.</summary>
internal sealed class ConnectionTable
{
    private const int InitialLength = 256;

    private TcpConnection?[] _buckets = new TcpConnection?[InitialLength];

    // Packets of one connection come in trains.
    private TcpConnection? _latest;

    internal int Count { get; private set; }

    internal long MemoryBytes => (long)_buckets.Length * IntPtr.Size;

    /// <summary>The connection that was found last, if it is that of the flow: without a hash.</summary>
    internal TcpConnection? FindLatest(in FlowKey flow) => _latest is { } latest && latest.Joins(in flow) ? latest : null;

    internal TcpConnection? Find(int hash, in FlowKey flow)
    {
        for (TcpConnection? connection = _buckets[hash & (_buckets.Length - 1)]; connection is not null; connection = connection.NextInTable)
        {
            if (connection.TableHash == hash && connection.Joins(in flow))
            {
                _latest = connection;
                return connection;
            }
        }

        return null;
    }

    internal void Add(TcpConnection connection)
    {
        if (Count == _buckets.Length)
        {
            Grow();
        }

        Count++;
        Insert(connection);
    }

    internal void Remove(TcpConnection connection)
    {
        ref TcpConnection? link = ref _buckets[connection.TableHash & (_buckets.Length - 1)];
        while (!ReferenceEquals(link, connection))
        {
            link = ref link!.NextInTable;
        }

        link = connection.NextInTable;
        connection.NextInTable = null;
        _latest = null;
        Count--;
    }

    private void Insert(TcpConnection connection)
    {
        ref TcpConnection? bucket = ref _buckets[connection.TableHash & (_buckets.Length - 1)];
        connection.NextInTable = bucket;
        bucket = connection;
    }

    private void Grow()
    {
        TcpConnection?[] old = _buckets;
        _buckets = new TcpConnection?[old.Length * 2];
        foreach (TcpConnection? first in old)
        {
            for (TcpConnection? connection = first; connection is not null;)
            {
                TcpConnection? next = connection.NextInTable;
                Insert(connection);
                connection = next;
            }
        }
    }
}
