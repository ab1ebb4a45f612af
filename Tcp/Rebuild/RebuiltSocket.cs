using Interceptor.Packets;

namespace Interceptor.Tcp.Rebuild;

/// <summary>One end's socket as its packets show it: numbers, and the bytes of its queues.</summary>
public sealed record RebuiltSocket
{
    /// <summary>
    /// The numbers. Unsent data is invisible, so <see cref="TcpSnapshot.WriteSeq"/> is <see cref="TcpSnapshot.SndNxt"/>; the timestamp clock runs on from the last segment to
    /// <see cref="At"/>.
    /// </summary>
    public required TcpSnapshot Snapshot { get; init; }

    /// <summary>It opened the connection.</summary>
    public bool IsClient { get; init; }

    /// <summary>The instant.</summary>
    public required CaptureTimestamp At { get; init; }

    /// <summary>Sent and not acknowledged: <see cref="TcpSnapshot.QueuedBytes"/> bytes.</summary>
    public required ReadOnlyMemory<byte> SendQueue { get; init; }

    /// <summary>Received in order and not read, as far as the request says: <see cref="TcpSnapshot.UnreadBytes"/> bytes.</summary>
    public required ReadOnlyMemory<byte> ReceiveQueue { get; init; }

    /// <summary>What came beyond a gap, in order.</summary>
    public required IReadOnlyList<RebuiltSegment> OutOfOrder { get; init; }

    /// <summary>What the end received in order, as the kernel counts it (tcpi_bytes_received): a FIN is one; from the capture's beginning where the handshake is not in it.</summary>
    public required long BytesReceived { get; init; }

    /// <summary>Sequence numbers that the peer acknowledged, as the kernel counts them (tcpi_bytes_acked): with the SYN of a client, without that of a server.</summary>
    public required long BytesAcked { get; init; }

    /// <summary>Its timestamps count microseconds rather than milliseconds, by their pace.</summary>
    public bool MicrosecondTimestamps { get; init; }

    /// <summary>Both SYNs were those of ECN.</summary>
    public bool HadEcn { get; init; }

    /// <summary>Round-trip times as seen where the capture was made; smoothed, ns; 0 where there are none.</summary>
    public long SmoothedRoundTrip { get; init; }

    /// <summary>Segments that it sent again.</summary>
    public long Retransmissions { get; init; }

    /// <summary>What the packets don't say and was assumed, by the names in session.json.</summary>
    public required IReadOnlyList<string> Assumed { get; init; }

    /// <summary>What could not be rebuilt and need not be; for people.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}
