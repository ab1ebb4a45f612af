namespace Interceptor.Capture.Intercept;

/// <summary>A packet on its way out, behind the impairments. The duty to decide about it goes with it, from stage to stage.</summary>
internal readonly ref struct OutgoingPacket
{
    /// <param name="packet">Lent or kept; undecided.</param>
    /// <param name="bytes">What would go on, borrowed until the call returns; empty where no stage needs bytes and none was changed.</param>
    internal OutgoingPacket(InterceptedPacket packet, ReadOnlySpan<byte> bytes)
    {
        Packet = packet;
        Bytes = bytes;
    }

    internal InterceptedPacket Packet { get; }

    internal ReadOnlySpan<byte> Bytes { get; init; }

    /// <summary><see cref="Bytes"/> are not those that came.</summary>
    internal bool IsChanged { get; init; }

    /// <summary>A copy is to be sent beside it.</summary>
    internal bool IsDoubled { get; init; }

    /// <summary>What was decided when it came.</summary>
    internal ImpairmentDecision Decision { get; init; }

    /// <summary>What the stages did to it, in words; null for nothing.</summary>
    internal string? Note { get; init; }
}
