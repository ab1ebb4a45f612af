using Interceptor.Packets;

namespace Interceptor.Tcp.Activity;

/// <summary>What both ends of a connection have been doing lately. Threads: one at a time.</summary>
public sealed class TcpActivity
{
    private readonly TcpConnection _connection;
    private readonly SenderActivity _first;
    private readonly SenderActivity _second;

    internal TcpActivity(TcpConnection connection, CaptureTimestamp since)
    {
        _connection = connection;
        _first = new SenderActivity(connection.First, since);
        _second = new SenderActivity(connection.Second, since);
    }

    /// <summary>The part of <see cref="TcpConnection.Client"/>.</summary>
    public SenderActivity Client => Of(_connection.Client);

    /// <summary>The part of <see cref="TcpConnection.Server"/>.</summary>
    public SenderActivity Server => Of(_connection.Server);

    internal SenderActivity Of(TcpEndpoint end) => ReferenceEquals(end, _connection.First) ? _first : _second;

    internal void Judge(CaptureTimestamp at)
    {
        _first.Judge(at);
        _second.Judge(at);
    }
}
