using Interceptor.Packets;

namespace Interceptor.Tcp;

/// <summary>What there is to tell of a connection: plain data without references, so that it can outlive the connection as a few hundred bytes.</summary>
public readonly record struct TcpConnectionReport
{
    /// <inheritdoc cref="TcpConnection.Id"/>
    public int Id { get; init; }

    /// <inheritdoc cref="TcpConnection.Opening"/>
    public TcpOpening Opening { get; init; }

    /// <inheritdoc cref="TcpConnection.Closing"/>
    public TcpClosing Closing { get; init; }

    /// <inheritdoc cref="TcpConnection.IsEvicted"/>
    public bool IsEvicted { get; init; }

    /// <inheritdoc cref="TcpConnection.Client"/>
    public FlowEndpoint Client { get; init; }

    /// <inheritdoc cref="TcpConnection.Server"/>
    public FlowEndpoint Server { get; init; }

    /// <inheritdoc cref="TcpConnection.FirstPacketNumber"/>
    public long FirstPacketNumber { get; init; }

    /// <inheritdoc cref="TcpConnection.FirstPacketAt"/>
    public CaptureTimestamp FirstPacketAt { get; init; }

    /// <inheritdoc cref="TcpConnection.LastPacketAt"/>
    public CaptureTimestamp LastPacketAt { get; init; }

    /// <summary>What the client sent, and its socket.</summary>
    public TcpEndpointReport FromClient { get; init; }

    /// <summary>What the server sent, and its socket.</summary>
    public TcpEndpointReport FromServer { get; init; }

    /// <summary>What there is to tell of <paramref name="connection"/> now.</summary>
    public static TcpConnectionReport Of(TcpConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return new TcpConnectionReport
        {
            Id = connection.Id,
            Opening = connection.Opening,
            Closing = connection.Closing,
            IsEvicted = connection.IsEvicted,
            Client = connection.Client.Address,
            Server = connection.Server.Address,
            FirstPacketNumber = connection.FirstPacketNumber,
            FirstPacketAt = connection.FirstPacketAt,
            LastPacketAt = connection.LastPacketAt,
            FromClient = TcpEndpointReport.Of(connection.Client),
            FromServer = TcpEndpointReport.Of(connection.Server),
        };
    }

    /// <summary>The same as for a connection that was made from the SYN.</summary>
    internal static TcpConnectionReport Of(in LoneSyn syn, bool hashes, bool isEvicted) => new()
    {
        Id = syn.Id,
        Opening = TcpOpening.Handshake,
        IsEvicted = isEvicted,
        Client = syn.Source,
        Server = syn.Destination,
        FirstPacketNumber = syn.Number,
        FirstPacketAt = syn.At,
        LastPacketAt = syn.At,
        FromClient = TcpEndpointReport.OfSender(in syn, hashes),
        FromServer = TcpEndpointReport.OfReceiver(in syn, hashes),
    };

    /// <summary>The same at a later instant without further packets: an end whose TIME-WAIT is over is CLOSED.</summary>
    public TcpConnectionReport At(CaptureTimestamp instant) => instant - LastPacketAt < TcpConnection.TimeWaitLength
        ? this
        : this with { FromClient = FromClient.AfterTimeWait(), FromServer = FromServer.AfterTimeWait() };
}
