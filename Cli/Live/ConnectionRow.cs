namespace Interceptor.Cli.Live;

/// <summary>A connection at one instant and what it did since the instant before. Plain data.</summary>
internal sealed record ConnectionRow
{
    /// <summary>The tracker's id.</summary>
    internal required int Id { get; init; }

    /// <summary>Address and port of the client.</summary>
    internal required string Client { get; init; }

    /// <summary>Address and port of the server.</summary>
    internal required string Server { get; init; }

    /// <summary>The client's state, or how it ended.</summary>
    internal required string State { get; init; }

    /// <summary>It was closed or reset.</summary>
    internal bool IsOver { get; init; }

    /// <summary>Payload from the client, bit/s.</summary>
    internal double ClientRate { get; init; }

    /// <summary>Payload from the server, bit/s.</summary>
    internal double ServerRate { get; init; }

    /// <summary>Segments of both, each second.</summary>
    internal double PacketRate { get; init; }

    /// <summary>Payload bytes of both since its first packet.</summary>
    internal long Bytes { get; init; }

    /// <summary>Segments with payload that were sent again, of all segments since its first packet; 0 to 1.</summary>
    internal double RetransmissionShare { get; init; }

    /// <summary>Smoothed round trip between the ends, ns; null without a sample.</summary>
    internal long? RoundTrip { get; init; }

    /// <summary>Which direction its window holds back now: <c>&gt;full</c>, <c>&lt;zero</c>; empty where none.</summary>
    internal string Limit { get; init; } = "";

    /// <summary>From its first to its last packet, ns.</summary>
    internal long Age { get; init; }
}
