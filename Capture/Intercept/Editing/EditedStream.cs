using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// One direction of an edited connection: what has come in order, how far it is decided what becomes of it, what waits, and what its receiver said last.
/// Positions are those of <see cref="StreamTranslation"/>.
/// <para>Pure. Threads: one at a time.</para>
/// </summary>
internal sealed class EditedStream(ReplacementSet rules)
{
    private readonly byte[] _open = new byte[rules.LongestOld - 1];
    private int _openLength;

    /// <summary>Its SYN was seen.</summary>
    internal bool IsKnown { get; private set; }

    /// <summary>The number of the first byte, for the sender and for the receiver.</summary>
    internal SequenceNumber Origin { get; private set; }

    /// <summary>Where its SYN was seen first: only what comes there is touched.</summary>
    internal FirewallHook Hook { get; private set; }

    internal StreamTranslation Translation { get; } = new(rules);

    /// <summary>All before has come (original).</summary>
    internal long Received { get; private set; }

    /// <summary>All before is decided: it may go on. Not behind <see cref="Received"/>.</summary>
    internal long Decided { get; private set; }

    /// <summary>Where its FIN stands (original); -1 while none came.</summary>
    internal long End { get; private set; } = -1;

    /// <summary>The last acknowledgment of its receiver (mapped); -1 before the first.</summary>
    internal long Acknowledged { get; set; } = -1;

    /// <summary>Positions are not the same at both ends.</summary>
    internal bool Shifts => !rules.KeepsLength && !Translation.IsIdentity;

    /// <summary>The place behind all that may go on, the FIN included (mapped).</summary>
    internal long MappedEnd => Translation.ToMapped(Decided) + (IsFinished ? 1 : 0);

    /// <summary>All is decided, up to the FIN.</summary>
    internal bool IsFinished => End >= 0 && Decided == End;

    /// <summary>Its receiver acknowledged the FIN.</summary>
    internal bool IsClosed => IsFinished && Acknowledged == MappedEnd;

    /// <summary>In order, decided but for their last bytes.</summary>
    internal List<HeldPart> Tail { get; } = [];

    /// <summary>Beyond a gap, by position.</summary>
    internal List<HeldPart> Ahead { get; } = [];

    /// <summary>Bytes of <see cref="Ahead"/>.</summary>
    internal long AheadBytes { get; set; }

    /// <summary>When the tail is decided without what follows (nanoseconds, monotonic); <see cref="long.MaxValue"/> without a tail.</summary>
    internal long TailDue { get; set; } = long.MaxValue;

    /// <summary>When the last part of the tail came (nanoseconds, monotonic).</summary>
    internal long TailSince { get; set; }

    /// <summary>How long from then on what follows is waited for, ns; 0 for a moment only.</summary>
    internal long TailPatience { get; set; }

    /// <summary>The longest payload that came.</summary>
    internal int LargestPayload { get; set; }

    /// <summary>What its receiver announced in its SYN, 536 without (RFC 9293, 3.7.1).</summary>
    internal int MaximumSegmentSize { get; set; } = 536;

    /// <summary>The shift of its receiver's windows.</summary>
    internal int WindowScale { get; set; }

    /// <summary>Its receiver gave a window scale.</summary>
    internal bool HadScale { get; set; }

    /// <summary>The last window field of its receiver.</summary>
    internal ushort WindowField { get; set; }

    /// <summary>The last timestamps of its receiver; null without.</summary>
    internal (uint Value, uint Echo)? ReceiverTimestamps { get; set; }

    /// <summary>Its sender understands selective acknowledgments.</summary>
    internal bool SackPermitted { get; set; }

    /// <summary>The newest timestamp of its sender that went on; null without.</summary>
    internal uint? NewestTimestamp { get; set; }

    internal void Begin(SequenceNumber initial, FirewallHook hook)
    {
        IsKnown = true;
        Origin = initial + 1;
        Hook = hook;
    }

    /// <summary>The original position of a number of its sender.</summary>
    internal long PositionOf(SequenceNumber number) => number.Unwrap(Origin, Received);

    /// <summary>The place (mapped) of a number of its receiver.</summary>
    internal long PlaceOf(SequenceNumber number) => number.Unwrap(Origin, Math.Max(Acknowledged, 0));

    /// <summary>The number of a position or place.</summary>
    internal SequenceNumber NumberOf(long position) => Origin + unchecked((int)position);

    /// <summary>Takes what follows <see cref="Received"/> and decides as far as it can; returns how many replacements there were and what they add to the length.</summary>
    /// <param name="fresh">The bytes.</param>
    /// <param name="isFinal">A FIN follows them.</param>
    /// <param name="room">For bytes that wait and these together; grown where it must be.</param>
    internal (int Count, long Growth) Append(ReadOnlySpan<byte> fresh, bool isFinal, ref byte[] room)
    {
        ReadOnlySpan<byte> data = fresh;
        if (_openLength > 0)
        {
            int length = _openLength + fresh.Length;
            if (room.Length < length)
            {
                room = new byte[2 * length];
            }

            _open.AsSpan(0, _openLength).CopyTo(room);
            fresh.CopyTo(room.AsSpan(_openLength));
            data = room.AsSpan(0, length);
        }

        long origin = Decided;
        Received += fresh.Length;
        End = isFinal ? Received : -1;
        return Decide(data, origin, isFinal);
    }

    /// <summary>Decides what is open as if nothing followed.</summary>
    internal (int Count, long Growth) DecideAll() => Decide(_open.AsSpan(0, _openLength).ToArray(), Decided, isFinal: true);

    private (int Count, long Growth) Decide(ReadOnlySpan<byte> data, long origin, bool isFinal)
    {
        long before = Translation.Shift;
        int at = 0;
        for (int count = 0; ; count++)
        {
            ReplacementSet.Result result = rules.Find(data, at, isFinal, out int index, out int pair);
            if (result == ReplacementSet.Result.Found)
            {
                Translation.Add(origin + index, pair);
                at = index + rules.Old(pair).Length;
                continue;
            }

            ReadOnlySpan<byte> open = result == ReplacementSet.Result.Open ? data[index..] : default;
            open.CopyTo(_open);
            _openLength = open.Length;
            Decided = Received - open.Length;
            return (count, Translation.Shift - before);
        }
    }

    /// <summary>A segment that waits.</summary>
    /// <param name="Start">Its first position.</param>
    /// <param name="End">The position behind its last byte.</param>
    /// <param name="IsFin">A FIN stands there.</param>
    /// <param name="Segment">It.</param>
    internal readonly record struct HeldPart(long Start, long End, bool IsFin, IHeldSegment Segment);
}
