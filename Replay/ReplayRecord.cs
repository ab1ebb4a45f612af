using System.Runtime.CompilerServices;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>One packet of a <see cref="ReplayBlock"/>, or a row of packets that are not sent.</summary>
/// <param name="Metadata">The packet's, or the first one's.</param>
/// <param name="Kind">Which.</param>
/// <param name="Flags">What was found while it was read.</param>
/// <param name="Offset">Where its bytes begin.</param>
/// <param name="Length">How many there are; of packets that are not sent, how many packets.</param>
internal readonly record struct ReplayRecord(PacketMetadata Metadata, ReplayRecordKind Kind, ReplayRecordFlags Flags, int Offset, int Length)
{
    /// <summary>Bytes of memory.</summary>
    internal static int Size => Unsafe.SizeOf<ReplayRecord>();
}

/// <summary>What is to be done with what a record tells of.</summary>
internal enum ReplayRecordKind : byte
{
    /// <summary>It is sent.</summary>
    Packet,

    /// <summary>The filter does not want it.</summary>
    NotMatching,

    /// <summary>The target does not carry its link type.</summary>
    OtherLinkType,

    /// <summary>It was cut when it was captured, and cut packets are left out.</summary>
    Cut,
}

/// <summary>What was found of a packet while it was read.</summary>
[Flags]
internal enum ReplayRecordFlags : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The capture begins (again) with it.</summary>
    BeginsRound = 1,

    /// <summary>It belongs to a flow.</summary>
    InFlow = 2,

    /// <summary>It is the first of its flow.</summary>
    BeginsFlow = 4,
}
