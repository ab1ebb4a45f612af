using System.Security.Cryptography;
using Interceptor.Packets;

namespace Interceptor.Tcp.Streams;

/// <summary>
/// The stream of one direction: counts each byte once, and where bytes are wanted (for the hash or a consumer) puts them in order. What arrives in order is
/// used in place without copying; what lies behind a gap is held until the gap fills, or the peer acknowledged it and enough came after it (the capture missed
/// the bytes), or the bound is reached, or the capture ends. Of two segments with different bytes for one place the first one seen wins.
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

    // What one held piece costs besides its bytes: many tiny pieces must not pass the bound either.
    private const int PieceOverhead = 64;

    private readonly bool _hashes;
    private readonly ByteRanges _seen = new();
    private PriorityQueue<HeldPiece, long>? _held;
    private SequenceNumber _origin;
    private bool _hasOrigin;
    private bool _startIsKnown;
    private bool _isDelivering;
    private long _start = long.MinValue;
    private long _top;
    private long _position;
    private long _acknowledged = long.MinValue;
    private long _heldCost;
    private IncrementalHash? _hash;
    private byte[]? _digest;
    private ITcpStreamConsumer? _consumer;
    private bool _asked;

    internal StreamAssembler(TcpEndpoint sender, bool hashes, ITcpStreamConsumer? consumer)
    {
        Sender = sender;
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

    /// <summary>Bytes waiting behind a gap.</summary>
    public long HeldBytes { get; private set; }

    // The pieces never overlap, and only the lowest is ever looked at: a heap, so that a stream of holes costs no more than a logarithm a segment.
    private int HeldPieces => _held?.Count ?? 0;

    /// <summary>SHA-256 over the bytes in order so far; after <see cref="TcpTracker.Finish"/> over all. Null where the tracker does not hash.</summary>
    public byte[]? Sha256 => !_hashes ? null : _digest ?? _hash?.GetCurrentHash() ?? SHA256.HashData([]);

    /// <summary>The SYN was seen: the stream starts behind it, and nothing before counts.</summary>
    internal void SetStart(SequenceNumber first)
    {
        if (_startIsKnown)
        {
            return;
        }

        _startIsKnown = true;
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
    internal long Add(SequenceNumber first, int length, ReadOnlySpan<byte> captured, CaptureTimestamp at)
    {
        if (length == 0)
        {
            return 0;
        }

        SetOrigin(first);
        long start = first.Unwrap(_origin, _top);
        long end = start + length;
        _top = Math.Max(_top, end);
        if (start < _start)
        {
            int before = (int)Math.Min(length, _start - start);
            start += before;
            captured = captured[Math.Min(before, captured.Length)..];
        }

        if (end <= start)
        {
            return 0;
        }

        if (!WantsBytes())
        {
            long counted = _seen.Add(start, end);
            UnhashedBytes += _hashes ? counted : 0;
            return counted;
        }

        if (_isDelivering && HeldPieces == 0 && start <= _position && end > _position)
        {
            int known = (int)(_position - start);
            long fresh = _seen.Add(start, end);
            UnhashedBytes += fresh - (end - _position);
            Deliver(captured[Math.Min(known, captured.Length)..], end - _position, at);
            return fresh;
        }

        return AddOutOfOrder(start, end, captured, at);
    }

    /// <summary>The peer acknowledged everything before <paramref name="ack"/>.</summary>
    internal void SetAcknowledged(SequenceNumber ack, CaptureTimestamp at)
    {
        if (!_hasOrigin)
        {
            return;
        }

        _acknowledged = Math.Max(_acknowledged, ack.Unwrap(_origin, _top));
        if (HeldPieces > 0)
        {
            SkipGaps(at);
        }
    }

    /// <summary>Both ends closed in order: nothing new can come, so the hash is closed now, unless a gap may still be filled.</summary>
    internal void Seal(CaptureTimestamp at)
    {
        if (HeldPieces == 0 && MissingBytes == 0)
        {
            Finish(at);
        }
    }

    /// <summary>Nothing comes any more: gaps are passed over, the hash is closed, memory is released.</summary>
    internal void Finish(CaptureTimestamp at)
    {
        while (HeldPieces > 0)
        {
            PassGap(at);
        }

        _held = null;
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

    private long AddOutOfOrder(long start, long end, ReadOnlySpan<byte> captured, CaptureTimestamp at)
    {
        long from = start;
        while (_seen.TryFindUncovered(from, end, out ByteRange piece))
        {
            from = piece.End;
            if (_isDelivering && piece.Start < _position)
            {
                // Its place was passed: counted, but neither hashed nor delivered.
                long late = Math.Min(piece.End, _position) - piece.Start;
                UnhashedBytes += late;
                piece.Start += late;
            }

            if (piece.Start < piece.End)
            {
                Hold(piece, captured[(int)Math.Min(piece.Start - start, captured.Length)..]);
            }
        }

        long fresh = _seen.Add(start, end);
        if (_isDelivering)
        {
            DeliverHeld(at);
        }

        if (HeldPieces > 0)
        {
            SkipGaps(at);
        }

        return fresh;
    }

    private void Hold(ByteRange place, ReadOnlySpan<byte> captured)
    {
        int length = (int)(place.End - place.Start);
        var piece = new HeldPiece(place.Start, length, captured[..Math.Min(length, captured.Length)].ToArray());
        _held ??= new PriorityQueue<HeldPiece, long>();
        _held.Enqueue(piece, piece.Start);
        HeldBytes += length;
        _heldCost += piece.Captured.Length + PieceOverhead;
    }

    private void DeliverHeld(CaptureTimestamp at)
    {
        while (HeldPieces > 0 && _held!.Peek().Start == _position)
        {
            HeldPiece piece = TakeHeld();
            Deliver(piece.Captured, piece.Length, at);
        }
    }

    private HeldPiece TakeHeld()
    {
        HeldPiece piece = _held!.Dequeue();
        HeldBytes -= piece.Length;
        _heldCost -= piece.Captured.Length + PieceOverhead;
        return piece;
    }

    // What was taken for text before the SYN came, and lies before it: counted, but no part of the stream.
    private void DropHeldBefore(long start)
    {
        while (HeldPieces > 0 && _held!.Peek().Start < start)
        {
            HeldPiece piece = TakeHeld();
            int before = (int)Math.Min(piece.Length, start - piece.Start);
            UnhashedBytes += before;
            if (before < piece.Length)
            {
                Hold(new ByteRange(start, piece.Start + piece.Length), piece.Captured.AsSpan(Math.Min(before, piece.Captured.Length)));
            }
        }
    }

    // A stream whose beginning was not seen waits too: an earlier segment may still come.
    private void SkipGaps(CaptureTimestamp at)
    {
        while (HeldPieces > 0
            && (_heldCost > MaximumHeld || (!_isDelivering && _heldCost > HeldBeforeStart)
                || (_heldCost > HeldBehindAcknowledgedGap && _acknowledged >= _held!.Peek().Start)))
        {
            PassGap(at);
        }
    }

    private void PassGap(CaptureTimestamp at)
    {
        long next = _held!.Peek().Start;
        if (_isDelivering)
        {
            _consumer?.OnMissing(Sender, at, next - _position);
        }

        _isDelivering = true;
        _position = next;
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
