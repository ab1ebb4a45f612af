namespace Interceptor.Replay.Stateful;

/// <summary>What a step of a conversation does.</summary>
internal enum ConversationStepKind
{
    /// <summary>Sends bytes of the stream.</summary>
    Send,

    /// <summary>Closes the sending side.</summary>
    Finish,

    /// <summary>Resets the connection.</summary>
    Reset,

    /// <summary>There is nothing more to do.</summary>
    End,
}

/// <summary>One thing that the played side did in the capture.</summary>
/// <param name="Kind">What.</param>
/// <param name="Offset">First byte of the stream, for <see cref="ConversationStepKind.Send"/>.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Packet">Number of the packet in the capture.</param>
/// <param name="At">When that was captured, ns since the epoch.</param>
/// <param name="PeerOffset">What must have come from the peer before: bytes of its stream, and one more for its FIN.</param>
internal readonly record struct ConversationStep(ConversationStepKind Kind, long Offset, long Length, long Packet, long At, long PeerOffset);
