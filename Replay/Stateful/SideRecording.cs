using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Replay.Stateful;

/// <summary>
/// Writes down one side of a connection while a <see cref="TcpTracker"/> follows it: which packet carried each byte of the stream first, and what its sender had received by
/// then. Offsets are counted from the first number that the tracker knows until <see cref="Complete"/>, which makes them offsets of the streams.
/// </summary>
internal sealed class SideRecording(TcpEndpoint end, ScriptStream stream)
{
    // Segments whose text was not delivered whole: those in order leave at once.
    private readonly List<Carrier> _carriers = [];
    private int _resolved;
    private long _next;
    private bool _hasShift;
    private long _acknowledged;
    private ScriptMark? _fin;
    private ScriptMark? _reset;

    /// <summary>The end of the connection that sent it.</summary>
    internal TcpEndpoint End { get; } = end;

    /// <summary>The stream that grows.</summary>
    internal ScriptStream Stream { get; } = stream;

    /// <summary>Where the stream begins, counted from the first number; not 0 only where the beginning was not seen.</summary>
    internal long Shift { get; private set; }

    /// <summary>How far the peer's stream is acknowledged, counted from the peer's first number.</summary>
    internal long Acknowledged => _acknowledged;

    /// <summary>Bytes that the tracker gave, in order; where they came from is found when the segment is told.</summary>
    internal void Deliver(ReadOnlySpan<byte> data) => Stream.Append(data, default);

    /// <summary>Bytes that the capture does not hold.</summary>
    internal void DeliverMissing(long length) => Stream.AppendMissing(length, default);

    /// <summary>A segment of this side was followed.</summary>
    internal void Follow(in TcpSegment segment, CaptureTimestamp at, long number)
    {
        if (segment.Ack)
        {
            TcpEndpoint peer = End.Peer;
            _acknowledged = Math.Max(_acknowledged, segment.Acknowledgment.Unwrap(peer.FirstNumber + 1, _acknowledged));
        }

        if (segment.Length > 0)
        {
            long start = segment.TextStart.Unwrap(End.FirstNumber + 1, _next);
            if (start + segment.Length > _next || !_hasShift)
            {
                _carriers.Add(new Carrier(start, start + segment.Length, new ScriptMark(number, at.Nanoseconds, _acknowledged)));
            }
        }

        if (segment.Fin)
        {
            _fin ??= new ScriptMark(number, at.Nanoseconds, _acknowledged);
        }

        if (segment.Rst && (End.WasReset || End.Peer.WasReset))
        {
            _reset ??= new ScriptMark(number, at.Nanoseconds, _acknowledged);
        }
    }

    /// <summary>Finds where what was delivered came from, after each segment of either side.</summary>
    internal void Resolve()
    {
        if (_resolved == Stream.Pieces.Length)
        {
            return;
        }

        if (!_hasShift)
        {
            _hasShift = true;
            Shift = End.Connection.Opening == TcpOpening.Handshake || _carriers.Count == 0 ? 0 : _carriers.Min(static carrier => carrier.Start);
        }

        Stream.Originate(_resolved, offset =>
        {
            (ScriptMark origin, long end) = OriginOf(offset + Shift);
            return (origin, end - Shift);
        });
        _resolved = Stream.Pieces.Length;
        _next = Stream.Length + Shift;
        _carriers.RemoveAll(carrier => carrier.End <= _next);
    }

    /// <summary>The capture is read: offsets become the streams' own, and times never run back.</summary>
    /// <param name="peer">The other side, which is resolved too.</param>
    internal void Complete(SideRecording peer)
    {
        long at = long.MinValue;
        long received = 0;
        foreach (ref ScriptPiece piece in Stream.ChangeablePieces)
        {
            at = Math.Max(at, piece.At);
            received = Math.Max(received, peer.Bound(piece.PeerOffset));
            piece = piece with { At = at, PeerOffset = received };
        }

        Stream.Fin = CompleteMark(_fin, peer, ref at, ref received);

        // What comes after both have closed ends nothing.
        bool isLate = _reset is { } reset && _fin is { } fin && peer._fin is { } other && reset.At >= Math.Max(fin.At, other.At);
        Stream.Reset = isLate ? null : CompleteMark(_reset, peer, ref at, ref received);
    }

    /// <summary>The peer acknowledged bytes that the capture does not show.</summary>
    internal void AddUnseenTail(long acknowledged)
    {
        long unseen = acknowledged - Shift - Stream.Length;

        // One more may be a FIN.
        if (unseen > 1)
        {
            ScriptPiece last = Stream.Pieces is [.., var it] ? it : default;
            Stream.AppendMissing(unseen, last);
            _resolved = Stream.Pieces.Length;
        }
    }

    private static ScriptMark? CompleteMark(ScriptMark? mark, SideRecording peer, ref long at, ref long received)
    {
        if (mark is not { } it)
        {
            return null;
        }

        at = Math.Max(at, it.At);
        received = Math.Max(received, peer.Bound(it.PeerOffset));
        return it with { At = at, PeerOffset = received };
    }

    // What the other side says it has of this one, as an offset of the stream; the FIN is one more.
    private long Bound(long acknowledged) => Math.Clamp(acknowledged - Shift, 0, Stream.Length + (_fin is null ? 0 : 1));

    // Which packet carried a byte first, and up to where it did.
    private (ScriptMark Origin, long End) OriginOf(long place)
    {
        foreach (Carrier carrier in _carriers)
        {
            if (carrier.Start <= place && place < carrier.End)
            {
                return (carrier.Mark, carrier.End);
            }
        }

        // Missing bytes are told by what comes behind them.
        ScriptMark? next = null;
        foreach (Carrier carrier in _carriers)
        {
            next = carrier.Start > place && (next is null || carrier.Mark.Packet < next.Value.Packet) ? carrier.Mark : next;
        }

        return (next ?? new ScriptMark(End.Connection.FirstPacketNumber, End.Connection.LastPacketAt.Nanoseconds, _acknowledged), long.MaxValue);
    }

    private readonly record struct Carrier(long Start, long End, ScriptMark Mark);
}
