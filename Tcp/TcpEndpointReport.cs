using Interceptor.Packets;
using Interceptor.Tcp.Streams;

namespace Interceptor.Tcp;

/// <summary>One end of a <see cref="TcpConnectionReport"/>: what it sent, and its socket's state. Plain data without references.</summary>
public readonly record struct TcpEndpointReport
{
    /// <inheritdoc cref="TcpEndpoint.Counters"/>
    public TcpDirectionCounters Counters { get; init; }

    /// <inheritdoc cref="StreamAssembler.StreamBytes"/>
    public long StreamBytes { get; init; }

    /// <inheritdoc cref="StreamAssembler.MissingBytes"/>
    public long MissingBytes { get; init; }

    /// <inheritdoc cref="StreamAssembler.ConflictingBytes"/>
    /// <remarks>Null where copies are not compared (<see cref="StreamAssembler.ComparesBytes"/>).</remarks>
    public long? ConflictingBytes { get; init; }

    /// <inheritdoc cref="SendSide.UrgentMarks"/>
    public int UrgentMarks { get; init; }

    /// <inheritdoc cref="StreamAssembler.UnhashedBytes"/>
    public long UnhashedBytes { get; init; }

    /// <inheritdoc cref="StreamAssembler.Sha256"/>
    public StreamHash? Sha256 { get; init; }

    /// <inheritdoc cref="SendSide.Iss"/>
    public SequenceNumber? Iss { get; init; }

    /// <inheritdoc cref="TcpEndpoint.Offer"/>
    public HandshakeOptions Offer { get; init; }

    /// <summary>It offered timestamps, or without its SYN: both ends use them.</summary>
    public bool Timestamps { get; init; }

    /// <inheritdoc cref="TcpEndpoint.RoundTrips"/>
    public RoundTripSummary RoundTrips { get; init; }

    /// <inheritdoc cref="TcpSnapshot.State"/>
    public TcpState State { get; init; }

    /// <inheritdoc cref="TcpSnapshot.Confidence"/>
    public SnapshotConfidence Confidence { get; init; }

    /// <inheritdoc cref="TcpSnapshot.SndUna"/>
    public SequenceNumber SndUna { get; init; }

    /// <inheritdoc cref="TcpSnapshot.SndNxt"/>
    public SequenceNumber SndNxt { get; init; }

    /// <inheritdoc cref="TcpSnapshot.SndWnd"/>
    public uint SndWnd { get; init; }

    /// <inheritdoc cref="TcpSnapshot.RcvNxt"/>
    public SequenceNumber RcvNxt { get; init; }

    /// <inheritdoc cref="TcpSnapshot.RcvWnd"/>
    public uint RcvWnd { get; init; }

    /// <inheritdoc cref="TcpSnapshot.QueuedBytes"/>
    public int QueuedBytes { get; init; }

    /// <inheritdoc cref="TcpSnapshot.InFlightBytes"/>
    public int InFlightBytes { get; init; }

    /// <inheritdoc cref="TcpSnapshot.OutOfOrderBytes"/>
    public int OutOfOrderBytes { get; init; }

    internal static TcpEndpointReport Of(TcpEndpoint end)
    {
        TcpSnapshot socket = end.Snapshot();
        return new TcpEndpointReport
        {
            Counters = end.Counters,
            StreamBytes = end.Stream.StreamBytes,
            MissingBytes = end.Stream.MissingBytes,
            ConflictingBytes = end.Stream.ComparesBytes ? end.Stream.ConflictingBytes : null,
            UrgentMarks = end.Send.UrgentMarks,
            UnhashedBytes = end.Stream.UnhashedBytes,
            Sha256 = end.Stream.Sha256 is { } hash ? new StreamHash(hash) : null,
            Iss = end.Send.Iss,
            Offer = end.Offer,
            Timestamps = end.Offer.IsKnown ? end.Offer.Timestamps : socket.Timestamps,
            RoundTrips = end.SummarizeRoundTrips(),
            State = socket.State,
            Confidence = socket.Confidence,
            SndUna = socket.SndUna,
            SndNxt = socket.SndNxt,
            SndWnd = socket.SndWnd,
            RcvNxt = socket.RcvNxt,
            RcvWnd = socket.RcvWnd,
            QueuedBytes = socket.QueuedBytes,
            InFlightBytes = socket.InFlightBytes,
            OutOfOrderBytes = socket.OutOfOrderBytes,
        };
    }

    internal static TcpEndpointReport OfSender(in LoneSyn syn, bool hashes)
    {
        TcpSegment segment = syn.Segment;
        return new TcpEndpointReport
        {
            Counters = new TcpDirectionCounters { Packets = 1, Syn = 1 },
            ConflictingBytes = hashes ? 0 : null,
            Sha256 = hashes ? StreamHash.OfNothing : null,
            Iss = segment.Sequence,
            Offer = HandshakeOptions.From(in segment),
            Timestamps = segment.HasTimestamps,
            State = TcpTransitions.Next(TcpState.Unknown, TcpEvent.SendSyn),
            Confidence = SnapshotConfidence.Assumed,
            SndUna = segment.Sequence,
            SndNxt = segment.End,
            RcvWnd = segment.WindowField,
        };
    }

    internal static TcpEndpointReport OfReceiver(in LoneSyn syn, bool hashes) => new()
    {
        ConflictingBytes = hashes ? 0 : null,
        Sha256 = hashes ? StreamHash.OfNothing : null,
        State = TcpTransitions.Next(TcpState.Unknown, TcpEvent.ReceiveSyn),
        Confidence = SnapshotConfidence.Assumed,
        SndWnd = syn.WindowField,
        RcvNxt = syn.Sequence + 1,
    };

    internal TcpEndpointReport AfterTimeWait() => State == TcpState.TimeWait ? this with { State = TcpTransitions.Next(State, TcpEvent.TimeWaitExpires) } : this;
}
