using Interceptor.Packets;

namespace Interceptor.Tcp.Rebuild;

/// <summary>
/// Follows one connection of a <see cref="TcpTracker"/>, as its observer and its sink, and keeps what a socket's queues keep: the bytes that one end sent and that are not acknowledged,
/// and those it received and has not read, or can't yet because of a gap. Pure: the packets alone decide.
/// <para>Threads: one at a time.</para>
/// </summary>
public sealed partial class SocketRecorder : ITcpSegmentObserver, ITcpConnectionSink
{
    private readonly RebuildRequest _request;
    private TcpConnection? _connection;
    private TcpConnectionReport? _taken;
    private Recording _recording;
    private PlacedBytes _sent = new();
    private PlacedBytes _received = new();

    /// <summary>A recorder that has seen nothing.</summary>
    /// <param name="request">What to record.</param>
    public SocketRecorder(RebuildRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        _request = request;
    }

    /// <inheritdoc/>
    public void Followed(TcpEndpoint sender, in TcpSegment segment, CaptureTimestamp at, long number)
    {
        ArgumentNullException.ThrowIfNull(sender);
        if (!IsIt(sender.Connection))
        {
            return;
        }

        TcpEndpoint own = OwnEnd(sender.Connection);
        if (!ReferenceEquals(sender.Connection, _connection) || !ReferenceEquals(own, _recording.Own))
        {
            Begin(own);
        }

        _recording.Follow();
        if (!segment.Rst)
        {
            Note(ReferenceEquals(sender, own), in segment, at);
        }

        _sent.DropBefore(_recording.Una);
        _received.DropBefore(FirstKept);
    }

    /// <inheritdoc/>
    public void Take(in TcpConnectionReport report)
    {
        if (_connection is { } connection && connection.Id == report.Id)
        {
            _taken = report;
        }
    }

    private long FirstKept => _request.ReadOffset is { } offset ? Math.Min(offset, _recording.Next) : _recording.Next;

    private bool IsIt(TcpConnection connection) => _request.Ends is { } ends
        ? (connection.First.Address == ends.Local && connection.Second.Address == ends.Peer) || (connection.First.Address == ends.Peer && connection.Second.Address == ends.Local)
        : connection.Id == _request.ConnectionId;

    private TcpEndpoint OwnEnd(TcpConnection connection) => _request.Ends is { } ends
        ? connection.First.Address == ends.Local ? connection.First : connection.Second
        : _request.IsClient ? connection.Client : connection.Server;

    private void Begin(TcpEndpoint own)
    {
        _connection = own.Connection;
        _taken = null;
        _recording = new Recording { Own = own };
        _sent = new PlacedBytes();
        _received = new PlacedBytes();
    }

    private void Note(bool isOwn, in TcpSegment segment, CaptureTimestamp at)
    {
        if (segment.Syn)
        {
            _recording.NoteSyn(segment.Flags);
        }
        else
        {
            _recording.HasTimestamps = segment.HasTimestamps;
            _recording.HasSack |= segment.SackBlockCount > 0;
        }

        if (isOwn && segment.HasTimestamps)
        {
            _recording.Clock.Note(segment.TimestampValue, at);
        }

        long place = _recording.PlaceOf(segment.TextStart, isOwn);
        (isOwn ? _sent : _received).Add(place, segment.Payload, at);
        _recording.WasCut |= segment.Payload.Length < segment.Length;
        if (!isOwn && segment.Fin)
        {
            _recording.PeerFin = place + segment.Length;
        }
    }

    /// <summary>What is known besides the bytes. Places count from the first byte of a stream; without a handshake, from the first that was seen.</summary>
    private struct Recording
    {
        private const TcpFlags EcnFlags = TcpFlags.Ece | TcpFlags.Cwr;

        internal TcpEndpoint Own;

        /// <summary>Place of SND.UNA.</summary>
        internal long Una;

        /// <summary>Place of RCV.NXT.</summary>
        internal long Next;

        internal TimestampPace Clock;
        internal bool HasTimestamps;
        internal bool HasSack;

        /// <summary>Of some segment not all bytes were captured.</summary>
        internal bool WasCut;

        /// <summary>Place behind the peer's last byte, once its FIN was seen.</summary>
        internal long? PeerFin;

        private bool _synOffersEcn;
        private bool _synAckTakesEcn;

        internal readonly bool HadEcn => _synOffersEcn && _synAckTakesEcn;

        /// <summary>The tracker followed a segment: both places move.</summary>
        internal void Follow()
        {
            Una = Own.WriteQueue.SndUna.Unwrap(Own.FirstNumber + 1, Una);
            Next = Own.ReceiveQueue.RcvNxt.Unwrap(Own.Peer.FirstNumber + 1, Next);
        }

        internal readonly long PlaceOf(SequenceNumber number, bool isOwn) =>
            isOwn ? number.Unwrap(Own.FirstNumber + 1, Una) : number.Unwrap(Own.Peer.FirstNumber + 1, Next);

        // RFC 3168, 6.1.1.
        internal void NoteSyn(TcpFlags flags)
        {
            if ((flags & TcpFlags.Ack) == 0)
            {
                _synOffersEcn |= (flags & EcnFlags) == EcnFlags;
            }
            else
            {
                _synAckTakesEcn |= (flags & EcnFlags) == TcpFlags.Ece;
            }
        }
    }
}
