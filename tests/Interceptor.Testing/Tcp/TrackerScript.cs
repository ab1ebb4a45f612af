using System.Globalization;
using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tcp.Streams;

namespace Interceptor.Testing.Tcp;

/// <summary>
/// A script whose segments are shown to a <see cref="TcpTracker"/>, in both directions. Fields are those of the local end's snapshot, counters and stream;
/// <c>peer.</c> before a name takes the other end; <c>Connections</c>, <c>Opening</c>, <c>Closing</c> and <c>Client</c> are the connection's.
/// </summary>
public sealed class TrackerScript : TcpScript
{
    private readonly Collector _collector = new();
    private readonly TcpTracker _tracker;
    private long _number;

    private TrackerScript(string script, ITcpSegmentObserver? observer)
        : base(script) => _tracker = new TcpTracker(null, _collector, observer);

    /// <summary>The local end.</summary>
    public static FlowEndpoint Local { get; } = new(IpAddress.FromIpv4(0xC0000201), 49152);

    /// <summary>The peer.</summary>
    public static FlowEndpoint Peer { get; } = new(IpAddress.FromIpv4(0xC0000202), 80);

    /// <summary>Runs the script and gives the tracker for further questions.</summary>
    /// <param name="script">The script.</param>
    /// <param name="observer">The tracker's observer; null for none.</param>
    public static TcpTracker Run(string script, ITcpSegmentObserver? observer = null)
    {
        var runner = new TrackerScript(script, observer);
        runner.RunLines();
        return runner._tracker;
    }

    /// <inheritdoc/>
    protected override void Execute(TcpScriptLine line, List<string> sentences)
    {
        if (line.Action == TcpScriptAction.Verb)
        {
            if (line.Words is ["finish"])
            {
                _tracker.Finish();
            }
            else
            {
                sentences.Add($"there is no verb '{line.Words[0]}' for an observer");
            }

            return;
        }

        bool isLocal = line.Action == TcpScriptAction.Out;
        FlowKey flow = isLocal ? new FlowKey(Local, Peer, IpProtocol.Tcp) : new FlowKey(Peer, Local, IpProtocol.Tcp);
        TcpSegment segment = TcpScriptSegment.Create(line, isLocal);
        _tracker.Process(in flow, in segment, new CaptureTimestamp(Now), ++_number);
    }

    /// <inheritdoc/>
    protected override void CheckInvariants(List<string> sentences)
    {
        foreach (TcpEndpoint end in _tracker.Connections.SelectMany(connection => new[] { connection.First, connection.Second }))
        {
            if (!(end.WriteQueue.SndUna <= end.WriteQueue.SndNxt && end.WriteQueue.SndNxt <= end.WriteQueue.WriteSeq))
            {
                sentences.Add($"{end.Address}: SndUna <= SndNxt <= WriteSeq does not hold");
            }

            if (end.WriteQueue.RetransmitDeadline.HasValue != (end.WriteQueue.SndUna != end.WriteQueue.SndNxt))
            {
                sentences.Add($"{end.Address}: the retransmission timer runs if and only if something is in flight");
            }
        }
    }

    /// <inheritdoc/>
    protected override string? ValueOf(string field)
    {
        TcpConnection connection = _tracker.Connections[^1];
        bool isPeer = field.StartsWith("peer.", StringComparison.Ordinal);
        TcpEndpoint local = connection.First.Address == Local ? connection.First : connection.Second;
        string name = isPeer ? field[5..] : field;
        TcpEndpoint end = isPeer ? local.Peer : local;
        return ConnectionValue(connection, name) ?? SequenceValue(end, isPeer, name) ?? SnapshotValue(end, name) ?? CounterValue(end, name) ?? StreamValue(end, !isPeer, name);
    }

    private string? ConnectionValue(TcpConnection connection, string name) => name switch
    {
        "Connections" => Text(_tracker.Connections.Count),
        "Opening" => connection.Opening.ToString(),
        "Closing" => connection.Closing.ToString(),
        "Client" => connection.Client.Address == Local ? "local" : "peer",
        _ => null,
    };

    private static string? SequenceValue(TcpEndpoint end, bool isPeer, string name)
    {
        TcpSnapshot snapshot = end.Snapshot();
        uint own = isPeer ? PeerIss : LocalIss;
        uint other = isPeer ? LocalIss : PeerIss;
        return name switch
        {
            "SndUna" => Relative(snapshot.SndUna, own),
            "SndNxt" => Relative(snapshot.SndNxt, own),
            "WriteSeq" => Relative(snapshot.WriteSeq, own),
            "SndWl1" => Relative(snapshot.SndWl1, other),
            "RcvNxt" => Relative(snapshot.RcvNxt, other),
            "RcvWup" => Relative(snapshot.RcvWup, other),
            "SndUp" => end.Send.SndUp is { } sndUp ? Relative(sndUp, own) : "none",
            "RcvUp" => end.Receive.RcvUp is { } rcvUp ? Relative(rcvUp, other) : "none",
            "Iss" => end.Send.Iss is { } iss ? Relative(iss, own) : "none",
            _ => null,
        };
    }

    private static string? SnapshotValue(TcpEndpoint end, string name)
    {
        TcpSnapshot snapshot = end.Snapshot();
        return name switch
        {
            "State" => snapshot.State.ToRfcName(),
            "Confidence" => snapshot.Confidence.ToString(),
            "SndWnd" => Text(snapshot.SndWnd),
            "MaxWindow" => Text(snapshot.MaxWindow),
            "RcvWnd" => Text(snapshot.RcvWnd),
            "MssClamp" => Text(snapshot.MssClamp),
            "SndWindowScale" => Text(snapshot.SndWindowScale),
            "RcvWindowScale" => Text(snapshot.RcvWindowScale),
            "SackPermitted" => Text(snapshot.SackPermitted ? 1 : 0),
            "Timestamps" => Text(snapshot.Timestamps ? 1 : 0),
            "TimestampRecent" => Text(snapshot.TimestampRecent),
            "OutOfOrderBytes" => Text(snapshot.OutOfOrderBytes),
            "QueuedBytes" => Text(snapshot.QueuedBytes),
            "InFlightBytes" => Text(snapshot.InFlightBytes),
            "UnsentBytes" => Text(snapshot.UnsentBytes),
            "FinQueued" => Text(snapshot.FinQueued ? 1 : 0),
            "FinReceived" => Text(snapshot.FinReceived ? 1 : 0),
            "Lost" => Text(Enumerable.Range(0, end.WriteQueue.SegmentCount).Count(i => end.WriteQueue.IsLost(i, end.Peer.Offer.MaximumSegmentSize ?? TcpEndpoint.DefaultSegmentSize))),
            "Sacked" => Text(Enumerable.Range(0, end.WriteQueue.SegmentCount).Sum(i => end.WriteQueue[i].IsSacked ? end.WriteQueue[i].SequenceLength : 0)),
            _ => null,
        };
    }

    private static string? CounterValue(TcpEndpoint end, string name) => name switch
    {
        "Packets" => Text(end.Counters.Packets),
        "PayloadBytes" => Text(end.Counters.PayloadBytes),
        "Retransmissions" => Text(end.Counters.Retransmissions),
        "FastRetransmissions" => Text(end.Counters.FastRetransmissions),
        "SpuriousRetransmissions" => Text(end.Counters.SpuriousRetransmissions),
        "OutOfOrder" => Text(end.Counters.OutOfOrder),
        "DuplicateAcks" => Text(end.Counters.DuplicateAcks),
        "ZeroWindows" => Text(end.Counters.ZeroWindows),
        "WindowFull" => Text(end.Counters.WindowFull),
        "KeepAlives" => Text(end.Counters.KeepAlives),
        "LostSegments" => Text(end.Counters.LostSegments),
        "WindowUpdates" => Text(end.Counters.WindowUpdates),
        "ZeroWindowProbes" => Text(end.Counters.ZeroWindowProbes),
        "UrgentMarks" => Text(end.Send.UrgentMarks),
        "Syn" => Text(end.Counters.Syn),
        "Fin" => Text(end.Counters.Fin),
        "Rst" => Text(end.Counters.Rst),
        "RttSamples" => Text(end.RoundTrips.Count),
        "RttMs" => Text(end.RoundTrips.Maximum / 1_000_000),
        _ => null,
    };

    private string? StreamValue(TcpEndpoint end, bool isLocal, string name) => name switch
    {
        "StreamBytes" => Text(end.Stream.StreamBytes),
        "MissingBytes" => Text(end.Stream.MissingBytes),
        "UnhashedBytes" => Text(end.Stream.UnhashedBytes),
        "ConflictingBytes" => Text(end.Stream.ConflictingBytes),
        "UncomparedBytes" => Text(end.Stream.UncomparedBytes),
        "HeldBytes" => Text(end.Stream.HeldBytes),
        "Delivered" => Text(_collector.Of(end).Count),
        "DeliveredMissing" => Text(_collector.MissingOf(end)),
        "Pattern" => _collector.Of(end).Select((value, i) => value == PatternAt(isLocal, i + 1)).All(same => same) ? "same" : "differs",
        "Text" => string.Concat(_collector.Of(end).Select(value => (char)value)),
        "Tail" => string.Concat(_collector.Of(end).TakeLast(4).Select(value => (char)value)),
        "Head" => string.Concat(_collector.Of(end).Take(4).Select(value => (char)value)),
        _ => null,
    };

    private static string Relative(SequenceNumber number, uint iss) => Text(number - new SequenceNumber(iss));

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private sealed class Collector : ITcpStreamConsumer
    {
        private readonly Dictionary<TcpEndpoint, List<byte>> _bytes = [];
        private readonly Dictionary<TcpEndpoint, long> _missing = [];

        public bool Wants(TcpEndpoint sender) => true;

        public void OnData(TcpEndpoint sender, CaptureTimestamp at, ReadOnlySpan<byte> data) => Of(sender).AddRange(data);

        public void OnMissing(TcpEndpoint sender, CaptureTimestamp at, long length) => _missing[sender] = MissingOf(sender) + length;

        internal List<byte> Of(TcpEndpoint sender) => _bytes.TryGetValue(sender, out List<byte>? bytes) ? bytes : _bytes[sender] = [];

        internal long MissingOf(TcpEndpoint sender) => _missing.GetValueOrDefault(sender);
    }
}
