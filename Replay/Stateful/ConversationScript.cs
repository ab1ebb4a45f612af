using Interceptor.Packets;

namespace Interceptor.Replay.Stateful;

/// <summary>One TCP connection of a capture, as it can be played again.</summary>
public sealed class ConversationScript
{
    internal ConversationScript(int id, ScriptStream client, ScriptStream server)
    {
        Id = id;
        ClientStream = client;
        ServerStream = server;
    }

    /// <summary>The connection's id, as <c>interceptor tcp</c> gives it.</summary>
    public int Id { get; }

    /// <summary>Who opened it.</summary>
    public FlowEndpoint Client { get; internal init; }

    /// <summary>Who answered.</summary>
    public FlowEndpoint Server { get; internal init; }

    /// <summary>Number of its first packet in the capture.</summary>
    public long FirstPacket { get; internal init; }

    /// <summary>The sequence number of the client's SYN; null where that is not known.</summary>
    public SequenceNumber? ClientInitialSequence { get; internal init; }

    /// <summary>The segment size that the client announced; null for none.</summary>
    public ushort? ClientSegmentSize { get; internal init; }

    /// <summary>Bytes that the client sent.</summary>
    public long ClientBytes => ClientStream.Length;

    /// <summary>Bytes that the server sent.</summary>
    public long ServerBytes => ServerStream.Length;

    /// <summary>When the client began to open it, ns since the epoch.</summary>
    internal long OpenedAt { get; init; }

    /// <summary>When it was open for the client: the first packet after the SYN that the client sent, or the first one at all.</summary>
    internal long EstablishedAt { get; init; }

    /// <summary>
    /// When the client had done with it: had closed its side and had the server's last byte, or the connection was reset. <see cref="long.MaxValue"/> where the capture ends
    /// before.
    /// </summary>
    internal long EndedAt { get; init; } = long.MaxValue;

    internal ScriptStream ClientStream { get; }

    internal ScriptStream ServerStream { get; }

    /// <summary>What the player of a side sends.</summary>
    internal ScriptStream StreamOf(bool isClient) => isClient ? ClientStream : ServerStream;
}
