using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Edits one TCP connection and keeps it valid: replaces in both streams, and translates the sequence, acknowledgment and selective acknowledgment numbers of both directions
/// from the first change of a length on.
/// <para>Bytes are decided once, in the order of the stream. A segment beyond a gap waits until the gap is filled, and we acknowledge it selectively in its receiver's name, so
/// that its sender sends what is missing at once; a segment that ends where a pair may have begun waits for the next one, or for a short time. What is sent again is made of
/// the same bytes as the first time.</para>
/// <para>Pure: time is an argument, what happens is told to an <see cref="IEditingOutput"/>. Threads: one at a time. A segment of a connection in which nothing is replaced
/// costs no allocation.</para>
/// </summary>
internal sealed partial class ConnectionEditor
{
    /// <summary>How long a segment waits whose last bytes may be the beginning of a pair, ns.</summary>
    internal const long ShortWait = 5_000_000;

    /// <summary>
    /// The same where more is likely to come: the segment is a full one, or was not pushed. Less than the shortest retransmission timeout of Linux. After each we
    /// acknowledge it selectively, for its sender may not send what follows (again) before, as long as <see cref="FullWait"/> or <see cref="GapWait"/> say.
    /// </summary>
    internal const long LongWait = 150_000_000;

    /// <summary>How long a full segment waits at most, ns.</summary>
    internal const long FullWait = 600_000_000;

    /// <summary>How long it waits at most where more is sure to come, ns: it was not pushed, or something came behind a gap.</summary>
    internal const long GapWait = 1_000_000_000;

    /// <summary>Edits of one direction that may wait for their acknowledgment: 6 MiB of notes.</summary>
    internal const int MaximumEdits = 1 << 18;

    private const int FoldFrom = 128;
    private const int SmallestFull = 536;
    private const int MaximumAheadBytes = 8 << 20;
    private readonly ReplacementSet _rules;
    private readonly EditingScratch _scratch;
    private readonly FlowKey _flow;
    private readonly EditedStream[] _streams;

    /// <param name="flow">From its initiator (who sent the SYN, or of whom the first segment was seen) to the other end.</param>
    /// <param name="rules">What is replaced.</param>
    /// <param name="scratch">Shared with the other connections of the thread.</param>
    internal ConnectionEditor(in FlowKey flow, ReplacementSet rules, EditingScratch scratch)
    {
        _flow = flow;
        _rules = rules;
        _scratch = scratch;
        _streams = [new EditedStream(rules), new EditedStream(rules)];
    }

    /// <summary>From its initiator to the other end.</summary>
    internal FlowKey Flow => _flow;

    /// <summary>Why it is left as it is; null where it is edited.</summary>
    internal string? Refusal { get; private set; }

    /// <summary>It is left as it is because its beginning was not seen.</summary>
    internal bool IsMidstream { get; private set; }

    /// <summary>When a segment of it came last (nanoseconds, monotonic).</summary>
    internal long LastSeen { get; private set; }

    /// <summary>A reset of it was seen.</summary>
    internal bool IsReset { get; private set; }

    /// <summary>Both FINs are acknowledged, or it was reset.</summary>
    internal bool IsClosed => IsReset || (_streams[0].IsClosed && _streams[1].IsClosed);

    /// <summary>Its numbers differ at its two ends: without the translation it can't go on.</summary>
    internal bool IsTranslated => _streams[0].Shifts || _streams[1].Shifts;

    /// <summary>Both SYNs were seen.</summary>
    internal bool IsOpen => _streams[0].IsKnown && _streams[1].IsKnown;

    /// <summary>A connection with the same addresses and ports that may take its place: its SYN was seen, and not yet the answer.</summary>
    internal ConnectionEditor? Successor { get; set; }

    /// <summary>For which time whoever keeps the timers has one set; <see cref="long.MaxValue"/> for none.</summary>
    internal long ArmedFor { get; set; } = long.MaxValue;

    /// <summary>When to call <see cref="Expire"/> (nanoseconds, monotonic).</summary>
    internal long NextDue => Math.Min(_streams[0].TailDue, _streams[1].TailDue);

    /// <summary>True if this SYN is the one that it began with.</summary>
    internal bool BeganWith(int direction, SequenceNumber initial) => _streams[direction].IsKnown && _streams[direction].Origin == initial + 1;

    /// <summary>True if this SYN with its ACK answers the SYN of the initiator.</summary>
    internal bool IsAnsweredBy(int direction, in EditedSegment segment) => direction == 1 && _streams[0].IsKnown && segment.Tcp.Acknowledgment == _streams[0].Origin;

    /// <summary>Leaves it as it is from now on; only before anything was replaced.</summary>
    internal void Refuse(string reason, bool isMidstream)
    {
        Refusal = reason;
        IsMidstream = isMidstream;
    }

    /// <summary>Takes a segment.</summary>
    /// <param name="direction">0 from the initiator, 1 to it.</param>
    /// <param name="hook">Where it was taken.</param>
    /// <param name="segment">It.</param>
    /// <param name="now">The time (nanoseconds, monotonic).</param>
    /// <param name="output">Gets what is decided.</param>
    internal void Take(int direction, FirewallHook hook, in EditedSegment segment, long now, IEditingOutput output)
    {
        LastSeen = now;
        EditedStream own = _streams[direction];
        EditedStream other = _streams[1 - direction];
        if ((segment.Flags & TcpFlags.Syn) != 0)
        {
            TakeSyn(own, other, hook, in segment);
            output.GoOn(null);
            return;
        }

        bool isReset = (segment.Flags & TcpFlags.Rst) != 0;
        bool hasText = (segment.PayloadLength > 0 || segment.IsFin) && !isReset;
        if (Refusal is null && !own.IsKnown)
        {
            Refuse("the answer to its SYN was not seen.", isMidstream: true);
        }
        else if (Refusal is null && hasText && !other.IsKnown && !_rules.KeepsLength)
        {
            Refuse("only one of its directions comes here: take both (--hook both or forward, and a filter for both), or replace by as many bytes.", isMidstream: true);
        }

        if (Refusal is not null || own.Hook != hook)
        {
            output.GoOn(null);
            return;
        }

        IsReset |= isReset;
        if (!isReset)
        {
            NoteReceiver(other, in segment);
        }

        if (!hasText)
        {
            PassBare(own, other, in segment, isReset, output);
            return;
        }

        Process(direction, null, in segment, now, output);
        TakeAhead(direction, now, output);
    }

    /// <summary>Decides what waited long enough.</summary>
    internal void Expire(long now, IEditingOutput output)
    {
        for (int direction = 0; direction < 2; direction++)
        {
            EditedStream own = _streams[direction];
            if (own.TailDue > now)
            {
                continue;
            }

            long patience = own.Ahead.Count > 0 ? GapWait : own.TailPatience;
            if (own.SackPermitted && now < own.TailSince + patience)
            {
                own.TailDue = now + LongWait;
                AcknowledgeToSender(direction, own.Decided, output);
                continue;
            }

            DecideTail(direction, output);
        }
    }

    /// <summary>Lets go what is kept: what is in order is decided, the rest dropped, so that its sender sends it again.</summary>
    internal void Release(IEditingOutput output)
    {
        for (int direction = 0; direction < 2; direction++)
        {
            DecideTail(direction, output);
            EditedStream own = _streams[direction];
            foreach (EditedStream.HeldPart part in own.Ahead)
            {
                output.Drop(part.Segment, "it was behind a gap when the end came");
            }

            _scratch.AheadBytes -= own.AheadBytes;
            own.AheadBytes = 0;
            own.Ahead.Clear();
        }
    }

    /// <summary>Ends the connection for both: each gets a reset with the number that it expects.</summary>
    internal void ResetBoth(IEditingOutput output)
    {
        for (int direction = 0; direction < 2; direction++)
        {
            EditedStream stream = _streams[direction];
            FlowKey flow = FlowOf(direction);
            output.Send(_scratch.Builder.Reset(in flow, stream.NumberOf(Math.Max(stream.Acknowledged, 0))));
        }
    }

    private FlowKey FlowOf(int direction) => direction == 0 ? _flow : _flow.Reversed;

    private void TakeSyn(EditedStream own, EditedStream other, FirewallHook hook, in EditedSegment segment)
    {
        if (own.IsKnown || Refusal is not null)
        {
            return;
        }

        bool isAnswer = (segment.Flags & TcpFlags.Ack) != 0;
        TcpOptionSummary options = TcpOptionSummary.Read(segment.Tcp);
        if (RefusalOf(in segment, isAnswer) is { } reason)
        {
            Refuse(reason, isMidstream: false);
            return;
        }

        own.Begin(segment.Tcp.Sequence, hook);
        own.SackPermitted = options.SackPermitted;
        other.MaximumSegmentSize = options.MaximumSegmentSize ?? other.MaximumSegmentSize;
        other.HadScale = options.WindowScale is not null;
        other.WindowScale = Math.Min(options.WindowScale ?? 0, (byte)14);
        if (other.IsKnown && !(own.HadScale && other.HadScale))
        {
            // A window scale holds only where both ends gave one (RFC 7323, 1.3).
            own.WindowScale = 0;
            other.WindowScale = 0;
        }

        NoteReceiver(other, in segment);

        // The window of a SYN is not scaled.
        other.WindowField = (ushort)(segment.Tcp.WindowField >> other.WindowScale);
    }

    private static string? RefusalOf(in EditedSegment segment, bool isAnswer)
    {
        if (segment.PayloadLength > 0)
        {
            return "its SYN carries data (TCP Fast Open).";
        }

        foreach (TcpOption option in segment.Tcp.EnumerateOptions())
        {
            switch ((byte)option.Kind)
            {
                case 19:
                    return "its segments are signed (TCP MD5, RFC 2385).";
                case 29:
                    return "its segments are signed (TCP-AO, RFC 5925).";
                case (byte)TcpOptionKind.Multipath when isAnswer:
                    return "it is Multipath TCP, which has numbers of its own.";
                default:
                    break;
            }
        }

        return null;
    }

    // What the sender of a segment says as the receiver of the other stream.
    private static void NoteReceiver(EditedStream other, in EditedSegment segment)
    {
        if ((segment.Flags & TcpFlags.Ack) == 0 || !other.IsKnown)
        {
            return;
        }

        long place = other.PlaceOf(segment.Tcp.Acknowledgment);
        if (place < other.Acknowledged || place > other.MappedEnd)
        {
            return;
        }

        other.Acknowledged = place;
        other.WindowField = segment.Tcp.WindowField;
        TcpOptionSummary options = TcpOptionSummary.Read(segment.Tcp);
        other.ReceiverTimestamps = options.HasTimestamps ? (options.TimestampValue, options.TimestampEcho) : null;
        if (other.Translation.Count >= FoldFrom)
        {
            other.Translation.Fold(place);
        }
    }

    // A segment with text or a FIN, now or when its turn has come.
    private void Process(int direction, IHeldSegment? held, in EditedSegment segment, long now, IEditingOutput output)
    {
        EditedStream own = _streams[direction];
        long start = own.PositionOf(segment.Tcp.Sequence);
        long end = start + segment.PayloadLength;
        if (own.End >= 0 && end > own.End)
        {
            output.Drop(held, "it is behind the FIN");
            return;
        }

        if (start > own.Received)
        {
            KeepAhead(direction, held, in segment, new EditedStream.HeldPart(start, end, segment.IsFin, null!), output);
            return;
        }

        if (end > own.Received || (segment.IsFin && own.End < 0))
        {
            if (own.Translation.Count >= MaximumEdits && !TryForget(own, _streams[1 - direction]))
            {
                output.Drop(held, "too many replacements wait for their acknowledgment: it has to come again");
                return;
            }

            own.LargestPayload = Math.Max(own.LargestPayload, segment.PayloadLength);
            _scratch.Count(own.Append(segment.Payload[(int)(own.Received - start)..], segment.IsFin, ref _scratch.Joined));
            SendTail(direction, output);
            if (end > own.Decided)
            {
                KeepTail(own, held, in segment, new EditedStream.HeldPart(start, end, segment.IsFin, null!), now, output);
                return;
            }
        }
        else if (start >= own.Decided && end > own.Decided)
        {
            output.Drop(held, "the same bytes wait already");

            // Its sender may not send what is missing behind before it knows that these have come.
            if (own.SackPermitted)
            {
                AcknowledgeToSender(direction, start, output);
            }

            return;
        }

        Emit(direction, held, in segment, start, Math.Min(end, own.Decided), output);
    }

    // Where the other direction does not come here nobody acknowledges.
    private static bool TryForget(EditedStream own, EditedStream other)
    {
        if (other.IsKnown)
        {
            return false;
        }

        own.Translation.Fold(own.Decided - MaximumAheadBytes);
        return own.Translation.Count < MaximumEdits;
    }

    private void KeepAhead(int direction, IHeldSegment? held, in EditedSegment segment, EditedStream.HeldPart part, IEditingOutput output)
    {
        EditedStream own = _streams[direction];
        int length = segment.PayloadLength;
        if (part.End - own.Received > MaximumAheadBytes || own.AheadBytes + length > MaximumAheadBytes || _scratch.AheadBytes + length > EditingScratch.MaximumAheadBytes)
        {
            output.Drop(held, "too much waits behind a gap");
            return;
        }

        int index = own.Ahead.Count;
        while (index > 0 && own.Ahead[index - 1].Start > part.Start)
        {
            index--;
        }

        if (index > 0 && own.Ahead[index - 1].End >= part.End && !part.IsFin)
        {
            output.Drop(held, "the same bytes wait already");
        }
        else
        {
            own.Ahead.Insert(index, part with { Segment = held ?? output.Keep(behindGap: true) });
            own.AheadBytes += length;
            _scratch.AheadBytes += length;
        }

        AcknowledgeToSender(direction, part.Start, output);
    }

    private static void KeepTail(EditedStream own, IHeldSegment? held, in EditedSegment segment, EditedStream.HeldPart part, long now, IEditingOutput output)
    {
        bool isFull = segment.PayloadLength >= Math.Max(own.LargestPayload, SmallestFull);
        own.TailPatience = (segment.Flags & TcpFlags.Psh) == 0 ? GapWait : isFull ? FullWait : 0;
        own.TailDue = now + (own.TailPatience > 0 ? LongWait : ShortWait);
        own.TailSince = now;
        own.Tail.Add(part with { Segment = held ?? output.Keep(behindGap: false) });
    }

    // What waited for a gap that is filled now.
    private void TakeAhead(int direction, long now, IEditingOutput output)
    {
        EditedStream own = _streams[direction];
        while (own.Ahead.Count > 0 && own.Ahead[0].Start <= own.Received)
        {
            EditedStream.HeldPart part = own.Ahead[0];
            own.Ahead.RemoveAt(0);
            EditedSegment segment = EditedSegment.Read(part.Segment);
            own.AheadBytes -= segment.PayloadLength;
            _scratch.AheadBytes -= segment.PayloadLength;
            if (part.End <= own.Received && (!part.IsFin || own.End >= 0))
            {
                output.Drop(part.Segment, "the same bytes went on already");
                continue;
            }

            Process(direction, part.Segment, in segment, now, output);
        }
    }

    private void DecideTail(int direction, IEditingOutput output)
    {
        EditedStream own = _streams[direction];
        if (own.Tail.Count > 0)
        {
            _scratch.Count(own.DecideAll());
            SendTail(direction, output);
        }
    }

    // What waited for its last bytes to be decided and now has them.
    private void SendTail(int direction, IEditingOutput output)
    {
        EditedStream own = _streams[direction];
        while (own.Tail.Count > 0 && own.Tail[0].End <= own.Decided)
        {
            EditedStream.HeldPart part = own.Tail[0];
            own.Tail.RemoveAt(0);
            EditedSegment segment = EditedSegment.Read(part.Segment);
            Emit(direction, part.Segment, in segment, part.Start, part.End, output);
        }

        if (own.Tail.Count == 0)
        {
            own.TailDue = long.MaxValue;
        }
    }
}
