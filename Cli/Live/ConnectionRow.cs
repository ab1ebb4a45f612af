using Interceptor.Packets;
using Interceptor.Tcp.Activity;

namespace Interceptor.Cli.Live;

/// <summary>A connection at one instant, what it did since the instant before, and lately (<see cref="ConnectionHistory.Length"/>). Plain data.</summary>
internal sealed record ConnectionRow
{
    /// <summary>The tracker's id.</summary>
    internal required int Id { get; init; }

    /// <summary>The interface it is seen on, safe for a terminal; empty where there is only one.</summary>
    internal string Interface { get; init; } = "";

    /// <summary>Address and port of the client.</summary>
    internal required FlowEndpoint ClientAddress { get; init; }

    /// <summary>Address and port of the server.</summary>
    internal required FlowEndpoint ServerAddress { get; init; }

    /// <summary><see cref="ClientAddress"/> as text.</summary>
    internal required string Client { get; init; }

    /// <summary><see cref="ServerAddress"/> as text.</summary>
    internal required string Server { get; init; }

    /// <summary>The client's state, or how it ended.</summary>
    internal required string State { get; init; }

    /// <summary>It was closed or reset.</summary>
    internal bool IsOver { get; init; }

    /// <summary>Payload from the client, bit/s.</summary>
    internal double ClientRate { get; init; }

    /// <summary>Payload from the server, bit/s.</summary>
    internal double ServerRate { get; init; }

    /// <summary>Payload from both.</summary>
    internal double Rate => ClientRate + ServerRate;

    /// <summary>Payload from the client lately, bit/s.</summary>
    internal double ClientAverage { get; init; }

    /// <summary>Payload from the server lately, bit/s.</summary>
    internal double ServerAverage { get; init; }

    /// <summary>Payload from both lately.</summary>
    internal double Average => ClientAverage + ServerAverage;

    /// <summary>Segments of both ends, each second.</summary>
    internal double PacketRate { get; init; }

    /// <summary>Segments of both ends since its first packet.</summary>
    internal long Packets { get; init; }

    /// <summary>Payload bytes of both since its first packet.</summary>
    internal long Bytes { get; init; }

    /// <summary>Segments that were sent again, of all segments since its first packet; 0 to 1.</summary>
    internal double RetransmissionShare { get; init; }

    /// <summary>Segments that were sent again since its first packet.</summary>
    internal long Retransmissions { get; init; }

    /// <summary>Payload bytes that were sent again, of all payload bytes since its first data; 0 to 1. Known where activities are.</summary>
    internal double RepeatedShare { get; init; }

    /// <summary>The same lately.</summary>
    internal double RecentRepeatedShare { get; init; }

    /// <summary>Smoothed round trip between the ends, ns; null without a sample.</summary>
    internal long? RoundTrip { get; init; }

    /// <summary>Median of the newest round trips between the ends, ns; null without a sample.</summary>
    internal long? RecentRoundTrip { get; init; }

    /// <summary>Which direction its window holds back now: <c>&gt;full</c>, <c>&lt;zero</c>; empty where none.</summary>
    internal string Limit { get; init; } = "";

    /// <summary>For how long the client was held back by what lately; nothing where it sent nothing.</summary>
    internal SendLimitTimes ClientLimits { get; init; }

    /// <summary>For how long the server was held back by what lately; nothing where it sent nothing.</summary>
    internal SendLimitTimes ServerLimits { get; init; }

    /// <summary>Whose the client's socket is; null where nobody knows.</summary>
    internal ConnectionOwner? ClientOwner { get; init; }

    /// <summary>Whose the server's socket is; null where nobody knows.</summary>
    internal ConnectionOwner? ServerOwner { get; init; }

    /// <summary>Both, as <c>curl[7] &gt; nginx[9]</c>, safe for a terminal; one alone where only one is known.</summary>
    internal string Process => ClientOwner is not null && ServerOwner is not null ? $"{ClientOwner} > {ServerOwner}" : $"{ClientOwner}{ServerOwner}";

    /// <summary>From its first to its last packet, ns.</summary>
    internal long Age { get; init; }
}
