using System.Security.Cryptography;
using Interceptor.Packets;

namespace Interceptor.Tcp.Streams;

/// <summary>
/// The stream of one direction: counts each byte once, and where bytes are wanted (for the hash or a consumer) puts them in order. What arrives in order is
/// used in place; what lies behind a gap is held until the gap fills, or the peer acknowledged it and enough came after it (the capture missed
/// the bytes), or the bound is reached, or the capture ends. Of two segments with different bytes for one place that one counts which a Linux receiver
/// gives to its application (<see cref="HeldPieces"/>), and the difference is counted.
/// <para>Threads: one at a time.</para>
/// </summary>
public sealed class StreamAssembler
{
    /// <summary>Bytes held behind a gap that the peer acknowledged: the missing packet may still come where a capture is out of order.</summary>
    public const int HeldBehindAcknowledgedGap = 64 * 1024;

    /// <summary>Bytes held where the beginning was not seen: an earlier segment may still come.</summary>
    public const int HeldBeforeStart = 16 * 1024;

    /// <summary>Bytes held at most for one direction; more than common receive windows.</summary>
    public const int MaximumHeld = 8 * 1024 * 1024;

    // What an open hash takes, managed and not: OpenSSL's EVP_MD_CTX with the state of SHA-256, and the objects that hold it.
    private const int HashOverhead = 768;

    private readonly bool _hashes;
    private readonly ByteRanges _seen = new();
    private readonly RecentBytes _recent;
    private HeldPieces? _held;
    private SequenceNumber _origin;
    private bool _hasOrigin;
    private bool _startIsKnown;
    private bool _isDelivering;
    private long _start = long.MinValue;
    private long _top;
    private long _position;
    private long _acknowledged = long.MinValue;
    private IncrementalHash? _hash;
    private byte[]? _digest;
    private ITcpStreamConsumer? _consumer;
    private bool _asked;

    internal StreamAssembler(TcpEndpoint sender, bool hashes, ITcpStreamConsumer? consumer, RecentBytesBudget budget)
    {
        Sender = sender;
        _recent = new RecentBytes(budget);
        _hashes = hashes;
        _consumer = consumer;
    }

    /// <summary>Whose stream it is.</summary>
    public TcpEndpoint Sender { get; }

    /// <summary>Bytes of the stream that were seen, each once.</summary>
    public long StreamBytes => _seen.Covered;

    /// <summary>Bytes between the first and the last one seen that the capture does not have.</summary>
    public long MissingBytes => _seen.Missing;

    /// <summary>
    /// Bytes counted in <see cref="StreamBytes"/> that the hash leaves out: cut off by the capture's snap length, or seen so late that what follows
    /// them had been hashed.
    /// </summary>
    public long UnhashedBytes { get; private set; }

    /// <summary>
    /// Bytes that came again with another content, each time they did; 0 where no bytes are kept (<see cref="ComparesBytes"/>). A probe's byte is no content.
    /// </summary>
    public long ConflictingBytes { get; private set; }

    /// <summary>
    /// Bytes that came again and were compared with nothing: the first copy was cut off, or lies farther back than the last 64 KiB that were put in order.
    /// </summary>
    public long UncomparedBytes { get; private set; }

    /// <summary>Bytes are kept, so that copies can be compared: the stream is hashed, or somebody wanted it.</summary>
    public bool ComparesBytes => _hashes || (_asked && _consumer is not null);

    /// <summary>Somebody may want the bytes and not only their number.</summary>
    internal bool MayWantBytes => _hashes || _consumer is not null;

    /// <summary>Bytes waiting behind a gap.</summary>
    public long HeldBytes => _held?.Bytes ?? 0;

    private int HeldCount => _held?.Count ?? 0;

    /// <summary>SHA-256 over the bytes in order so far; after <see cref="TcpTracker.Finish"/> over all. Null where the tracker does not hash.</summary>
    public byte[]? Sha256 => !_hashes ? null : _digest ?? _hash?.GetCurrentHash() ?? SHA256.HashData([]);

    /// <summary>Bytes it takes beyond the bare object, about; the state of a running hash is the library's, outside the managed heap.</summary>
    internal long MemoryBytes => _seen.MemoryBytes + _recent.MemoryBytes + (_held?.Cost ?? 0) + (_hash is null ? 0 : HashOverhead);

    /// <summary>The SYN was seen: the stream starts behind it, and nothing before counts.</summary>
    internal void SetStart(SequenceNumber first)
    {
        if (_startIsKnown)
        {
            return;
        }

        _startIsKnown = true;
        Sender.Connection.NoteMemoryChange();
        SetOrigin(first);
        _start = first.Unwrap(_origin, _top);
        if (!_isDelivering)
        {
            _isDelivering = true;
            _position = _start;
            DropHeldBefore(_start);
        }
    }

    /// <summary>Takes the text of a segment; returns how many of its bytes were not seen before.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="arrival">What its receiver makes of it.</param>
    /// <param name="at">When it was captured.</param>
    internal long Add(in TcpSegment segment, in TextArrival arrival, CaptureTimestamp at)
    {
        if (segment.Length == 0)
        {
            return 0;
        }

        SequenceNumber first = segment.TextStart;
        ReadOnlySpan<byte> captured = segment.Payload;
        SetOrigin(first);
        long start = first.Unwrap(_origin, _top);
        long end = start + segment.Length;
        _top = Math.Max(_top, end);
        if (start < _start)
        {
            int before = (int)Math.Min(segment.Length, _start - start);
            start += before;
            captured = captured[Math.Min(before, captured.Length)..];
        }

        if (end <= start)
        {
            return 0;
        }

        // What lies before the position was passed: where it is new it counts, but is neither hashed nor delivered.
        long position = _isDelivering ? Math.Clamp(_position, start, end) : start;
        long ranges = _seen.MemoryBytes;
        long late = _seen.Add(start, position);
        long fresh = late + _seen.Add(position, end);
        if (!WantsBytes())
        {
            UnhashedBytes += _hashes ? fresh : 0;
            if (_seen.MemoryBytes != ranges)
            {
                Sender.Connection.NoteMemoryChange();
            }

            return fresh;
        }

        Sender.Connection.NoteMemoryChange();
        UnhashedBytes += late;
        if (fresh < end - start && !arrival.IsProbe)
        {
            CompareCopies(start, captured, end - start - fresh);
        }

        if (position < end)
        {
            Place(position, end, captured[(int)Math.Min(position - start, captured.Length)..], in arrival, at);
        }

        return fresh;
    }

    /// <summary>The peer acknowledged everything before <paramref name="ack"/>.</summary>
    internal void SetAcknowledged(SequenceNumber ack, CaptureTimestamp at)
    {
        if (!_hasOrigin)
        {
            return;
        }

        _acknowledged = Math.Max(_acknowledged, ack.Unwrap(_origin, _top));
        if (HeldCount > 0)
        {
            Sender.Connection.NoteMemoryChange();
            if (_isDelivering)
            {
                DeliverHeld(at);
            }

            SkipGaps(at);
        }
    }

    /// <summary>Memory is short: gaps are passed over, and what waits behind them counts as it is.</summary>
    internal void StopWaiting(CaptureTimestamp at)
    {
        while (HeldCount > 0)
        {
            PassGap(at);
        }

        _held = null;
        Sender.Connection.NoteMemoryChange();
    }

    /// <summary>Both ends closed in order: nothing new can come, so the hash is closed now, unless a gap may still be filled.</summary>
    internal void Seal(CaptureTimestamp at)
    {
        if (HeldCount == 0 && MissingBytes == 0)
        {
            Finish(at);
        }
    }

    /// <summary>Nothing comes any more: gaps are passed over, the hash is closed, memory is released.</summary>
    internal void Finish(CaptureTimestamp at)
    {
        StopWaiting(at);
        _recent.Release();
        if (_hashes && _digest is null)
        {
            _digest = _hash?.GetHashAndReset() ?? SHA256.HashData([]);
            _hash?.Dispose();
            _hash = null;
        }
    }

    private void SetOrigin(SequenceNumber first)
    {
        if (!_hasOrigin)
        {
            _hasOrigin = true;
            _origin = first;
        }
    }

    private bool WantsBytes()
    {
        if (!_asked)
        {
            _asked = true;
            _consumer = _consumer is not null && _consumer.Wants(Sender) ? _consumer : null;
        }

        return (_hashes && _digest is null) || _consumer is not null;
    }

    private void CompareCopies(long start, ReadOnlySpan<byte> captured, long repeated)
    {
        (long compared, long differing) = _recent.Compare(start, captured);
        if (_held is not null)
        {
            (long heldCompared, long heldDiffering) = _held.Compare(start, captured);
            compared += heldCompared;
            differing += heldDiffering;
        }

        ConflictingBytes += differing;
        UncomparedBytes += repeated - Math.Min(compared, repeated);
    }

    private void Place(long start, long end, ReadOnlySpan<byte> captured, in TextArrival arrival, CaptureTimestamp at)
    {
        if (_isDelivering && HeldCount == 0 && start == _position && arrival.IsTaken)
        {
            Deliver(captured, end - start, at);
            return;
        }

        Hold(start, end, captured, in arrival);
        if (_isDelivering)
        {
            DeliverHeld(at);
        }

        SkipGaps(at);
    }

    // Three parts: what the receiver is past (only what nobody has counts), what it waits for, and what lies behind its gap.
    private void Hold(long start, long end, ReadOnlySpan<byte> captured, in TextArrival arrival)
    {
        _held ??= new HeldPieces();
        if (!arrival.IsTaken)
        {
            _held.FillHoles(start, end, captured, isDoubtful: true);
            return;
        }

        long next = arrival.RcvNxt.Unwrap(_origin, _top);
        next = _isDelivering ? Math.Max(next, _position) : next;
        if (start > next)
        {
            _held.AddOutOfOrder(start, end, captured);
            return;
        }

        long past = Math.Min(end, next);
        _held.FillHoles(start, past, captured, isDoubtful: false);
        if (past < end)
        {
            _held.AddInOrder(past, end, captured[(int)Math.Min(past - start, captured.Length)..]);
        }
    }

    private void DeliverHeld(CaptureTimestamp at)
    {
        while (HeldCount > 0 && _held!.First is var first && first.VisibleStart == _position && (!first.IsDoubtful || _acknowledged >= first.End))
        {
            HeldPiece piece = _held.TakeFirst();
            Deliver(piece.Visible, piece.Length, at);
        }
    }

    // What was taken for text before the SYN came, and lies before it: counted, but no part of the stream.
    private void DropHeldBefore(long start)
    {
        while (HeldCount > 0 && _held!.First is var first && first.VisibleStart < start)
        {
            HeldPiece piece = _held.TakeFirst();
            UnhashedBytes += Math.Min(piece.Length, start - piece.VisibleStart);
            if (start < piece.End)
            {
                _held.FillHoles(start, piece.End, piece.From(start), piece.IsDoubtful);
            }
        }
    }

    // A stream whose beginning was not seen waits too: an earlier segment may still come.
    private void SkipGaps(CaptureTimestamp at)
    {
        while (HeldCount > 0
            && (_held!.Cost > MaximumHeld || (!_isDelivering && _held.Cost > HeldBeforeStart)
                || (_held.Cost > HeldBehindAcknowledgedGap && _acknowledged >= _held.First.VisibleStart)))
        {
            PassGap(at);
        }
    }

    // Goes on with what is held, even if the receiver had no reason to take it.
    private void PassGap(CaptureTimestamp at)
    {
        HeldPiece piece = _held!.TakeFirst();
        if (_isDelivering && piece.VisibleStart > _position)
        {
            _consumer?.OnMissing(Sender, at, piece.VisibleStart - _position);
        }

        _isDelivering = true;
        _position = piece.VisibleStart;
        Deliver(piece.Visible, piece.Length, at);
        DeliverHeld(at);
    }

    private void Deliver(ReadOnlySpan<byte> captured, long length, CaptureTimestamp at)
    {
        if (captured.Length > length)
        {
            captured = captured[..(int)length];
        }

        if (!captured.IsEmpty)
        {
            if (_hashes && _digest is null)
            {
                _hash ??= IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
                _hash.AppendData(captured);
            }

            _recent.Append(_position, captured);
            _consumer?.OnData(Sender, at, captured);
        }

        long cut = length - captured.Length;
        if (cut > 0)
        {
            UnhashedBytes += cut;
            _consumer?.OnMissing(Sender, at, cut);
        }

        _position += length;
    }
}
