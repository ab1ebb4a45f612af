using System.Buffers.Binary;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <content>What goes on: segments made of the new bytes, with the numbers that their receiver knows, and acknowledgments of our own.</content>
internal sealed partial class ConnectionEditor
{
    // What every path takes: IPv6's least MTU (RFC 8200, 5) less the headers, options included. A segment may always be as long as it came.
    private const int SafePayload = 1280 - 40 - 60;

    // What a verdict and the length of an IPv4 packet can say.
    private const int MaximumPacketLength = 65_500;

    /// <summary>Sends on a range of a segment, all of it decided, and its FIN if the range ends where it stands.</summary>
    private void Emit(int direction, IHeldSegment? held, in EditedSegment segment, long start, long to, IEditingOutput output)
    {
        EditedStream own = _streams[direction];
        EditedStream other = _streams[1 - direction];

        // What is acknowledged and forgotten does not go out again, for its bytes can't be made any more.
        long from = Math.Min(Math.Max(start, own.Translation.FoldedTo), to);
        bool isWhole = from == start && to == start + segment.PayloadLength;
        bool isLate = held is not null && IsOutdated(own, other, in segment);
        NoteTimestamp(own, in segment);
        long first = own.Translation.ToMapped(from);
        if (isWhole && first == from && !other.Shifts && !isLate && !own.Translation.Touches(from, to))
        {
            output.GoOn(held);
            return;
        }

        int length = (int)(own.Translation.ToMapped(to) - first);
        int replaced = own.Translation.CountStarting(from, to);
        int header = segment.PayloadOffset;
        segment.Header.CopyTo(_scratch.RoomForHeader(header));
        Span<byte> packet = _scratch.RoomForPacket(header + length);
        own.Translation.Write(from, segment.Payload.Slice((int)(from - start), (int)(to - from)), packet[header..]);
        bool isFin = segment.IsFin && to == own.End;
        bool isEmptied = length == 0 && segment.PayloadLength > 0 && !isFin;
        int growth = length - segment.PayloadLength;

        var pieces = new Pieces(segment.TcpOffset, header, PieceLength(own, in segment), isFin, isLate);
        SendPieces(own, other, held, packet, in pieces, first, replaced, growth, output);

        // Nothing is left for the receiver to acknowledge; where it acknowledged all that is before, it would not say so again.
        if (isEmptied && own.Acknowledged >= first)
        {
            AcknowledgeToSender(direction, newest: -1, output);
        }
    }

    private readonly record struct Pieces(int TcpOffset, int HeaderLength, int MaximumLength, bool IsFin, bool IsLate);

    // The first piece has the verdict, the others are packets of our own. The header of a piece overwrites the end of the one before, which is gone by then.
    private void SendPieces(
        EditedStream own, EditedStream other, IHeldSegment? held, Span<byte> packet, in Pieces pieces, long first, int replaced, int growth, IEditingOutput output)
    {
        int length = packet.Length - pieces.HeaderLength;
        for (int offset = 0; offset < length || offset == 0; offset += pieces.MaximumLength)
        {
            int count = Math.Min(pieces.MaximumLength, length - offset);
            Span<byte> piece = packet.Slice(offset, pieces.HeaderLength + count);
            _scratch.Header.AsSpan(0, pieces.HeaderLength).CopyTo(piece);
            TcpEditor tcp = EditorOf(piece[pieces.TcpOffset..]);
            TcpFlags flags = tcp.Flags & ~(TcpFlags.Fin | TcpFlags.Psh);
            if (offset + count >= length)
            {
                flags |= (pieces.IsFin ? TcpFlags.Fin : default) | (length > 0 ? tcp.Flags & TcpFlags.Psh : default);
            }

            tcp.Flags = offset > 0 ? flags & ~TcpFlags.Cwr : flags;
            TranslateUrgent(own, tcp, first + offset);
            tcp.Sequence = own.NumberOf(first + offset);
            Finish(own, other, piece, tcp, pieces.IsLate);
            if (offset == 0)
            {
                output.GoOn(held, piece, replaced, growth);
                continue;
            }

            if (piece[0] >> 4 == 4)
            {
                // The kernel gives one of its own to each (man 7 raw); the checksum is its, too.
                BinaryPrimitives.WriteUInt16BigEndian(piece[4..], 0);
            }

            output.Send(piece);
        }
    }

    // A segment without text or FIN: an acknowledgment, a probe or a reset.
    private void PassBare(EditedStream own, EditedStream other, in EditedSegment segment, bool isReset, IEditingOutput output)
    {
        NoteTimestamp(own, in segment);
        if (!own.Shifts && !other.Shifts)
        {
            output.GoOn(null);
            return;
        }

        long position = own.PositionOf(segment.Tcp.Sequence);
        long limit = own.Decided + (own.IsFinished ? 1 : 0);

        // What lies before the next byte asks its receiver for an answer (a probe): it has to stay before the next byte.
        long place = position >= limit ? own.MappedEnd : isReset ? own.Translation.ToMapped(position) : own.Translation.ToMapped(position + 1) - 1;
        Span<byte> packet = _scratch.RoomForPacket(segment.PayloadOffset + segment.PayloadLength);
        segment.Bytes[..packet.Length].CopyTo(packet);
        TcpEditor tcp = EditorOf(packet[segment.TcpOffset..]);
        tcp.Sequence = own.NumberOf(place);
        Finish(own, other, packet, tcp, isLate: false);
        output.GoOn(null, packet, 0, 0);
    }

    // Of a header that was read before.
    private static TcpEditor EditorOf(Span<byte> header) => TcpEditor.TryParse(header, out TcpEditor editor) ? editor : throw new InvalidOperationException("This is no TCP header.");

    // All that does not depend on which segment it is.
    private static void Finish(EditedStream own, EditedStream other, Span<byte> packet, TcpEditor tcp, bool isLate)
    {
        bool isAcknowledging = (tcp.Flags & TcpFlags.Ack) != 0;
        if (isLate && isAcknowledging && other.Acknowledged >= 0)
        {
            tcp.Acknowledgment = other.NumberOf(other.Acknowledged);
            tcp.WindowField = other.WindowField;
        }

        if (isAcknowledging && other.Shifts)
        {
            long place = other.PlaceOf(tcp.Acknowledgment);
            long original = other.Translation.ToOriginal(place);
            tcp.Acknowledgment = other.NumberOf(original);
            tcp.WindowField = WindowOf(other, place, original, tcp.WindowField);
            TranslateBlocks(other, tcp);
        }

        if (isLate && own.NewestTimestamp is { } newest && tcp.TryGetOption(TcpOptionKind.Timestamps, out Span<byte> times) && times.Length == 8
            && unchecked((int)(newest - BinaryPrimitives.ReadUInt32BigEndian(times))) > 0)
        {
            BinaryPrimitives.WriteUInt32BigEndian(times, newest);
        }

        PacketChecksums.FixLengthsAndChecksums(packet, LinkType.Raw);
    }

    /// <summary>The window as the other end counts it: what is granted ends at the same byte.</summary>
    private static ushort WindowOf(EditedStream stream, long place, long original, ushort field)
    {
        long window = (long)field << stream.WindowScale;
        long granted = stream.Translation.ToOriginal(place + window) - original;
        return granted == window ? field : (ushort)Math.Clamp(granted >> stream.WindowScale, 0, ushort.MaxValue);
    }

    private static void TranslateBlocks(EditedStream other, TcpEditor tcp)
    {
        if (!tcp.TryGetOption(TcpOptionKind.Sack, out Span<byte> data) || data.Length % 8 != 0)
        {
            return;
        }

        int kept = 0;
        for (int i = 0; i < data.Length; i += 8)
        {
            long left = other.Translation.ToOriginalStart(other.PlaceOf(new SequenceNumber(BinaryPrimitives.ReadUInt32BigEndian(data[i..]))));
            long right = other.Translation.ToOriginal(other.PlaceOf(new SequenceNumber(BinaryPrimitives.ReadUInt32BigEndian(data[(i + 4)..]))));

            // A block inside the new bytes of one old byte says nothing that its sender could use.
            if (left < right)
            {
                BinaryPrimitives.WriteUInt32BigEndian(data[kept..], other.NumberOf(left).Value);
                BinaryPrimitives.WriteUInt32BigEndian(data[(kept + 4)..], other.NumberOf(right).Value);
                kept += 8;
            }
        }

        if (kept < data.Length)
        {
            tcp.Header.Overlaps(data, out int offset);
            data[kept..].Fill((byte)TcpOptionKind.NoOperation);
            tcp.Header[offset - 1] = (byte)(kept + 2);
            if (kept == 0)
            {
                tcp.Header.Slice(offset - 2, 2).Fill((byte)TcpOptionKind.NoOperation);
            }
        }
    }

    private static void TranslateUrgent(EditedStream own, TcpEditor tcp, long place)
    {
        if ((tcp.Flags & TcpFlags.Urg) == 0)
        {
            return;
        }

        long pointer = own.Translation.ToMapped(own.PositionOf(tcp.Sequence) + tcp.UrgentPointer) - place;
        if (pointer <= 0)
        {
            tcp.Flags &= ~TcpFlags.Urg;
        }

        tcp.UrgentPointer = (ushort)Math.Clamp(pointer, 0, ushort.MaxValue);
    }

    // A segment that waited goes on behind newer ones: with its own timestamp its receiver would take it for an old duplicate (RFC 7323, 5), and with
    // an acknowledgment more than a window old for an injected one (RFC 5961, 5.2).
    private static bool IsOutdated(EditedStream own, EditedStream other, in EditedSegment segment)
    {
        TcpOptionSummary options = TcpOptionSummary.Read(segment.Tcp);
        return (options.HasTimestamps && own.NewestTimestamp is { } newest && unchecked((int)(newest - options.TimestampValue)) > 0)
            || (other.IsKnown && (segment.Flags & TcpFlags.Ack) != 0 && other.PlaceOf(segment.Tcp.Acknowledgment) < other.Acknowledged);
    }

    private static void NoteTimestamp(EditedStream own, in EditedSegment segment)
    {
        TcpOptionSummary options = TcpOptionSummary.Read(segment.Tcp);
        if (options.HasTimestamps && !(own.NewestTimestamp is { } newest && unchecked((int)(newest - options.TimestampValue)) > 0))
        {
            own.NewestTimestamp = options.TimestampValue;
        }
    }

    private static int PieceLength(EditedStream own, in EditedSegment segment)
    {
        if (own.Hook == FirewallHook.Input)
        {
            return MaximumPacketLength - segment.PayloadOffset;
        }

        // The announced size is without options (RFC 6691).
        int options = segment.Tcp.HeaderLength - TcpView.MinimumLength;
        return Math.Max(segment.PayloadLength, Math.Max(Math.Min(own.MaximumSegmentSize - options, SafePayload), 1));
    }

    /// <summary>Acknowledges to the sender of a stream in its receiver's name: what that acknowledged, and selectively what waits here.</summary>
    private void AcknowledgeToSender(int direction, long newest, IEditingOutput output)
    {
        EditedStream own = _streams[direction];
        EditedStream other = _streams[1 - direction];
        if (!other.IsKnown || own.Acknowledged < 0)
        {
            return;
        }

        Span<SackBlock> blocks = stackalloc SackBlock[SegmentBuilder.MaximumBlocks];
        long original = own.Translation.ToOriginal(own.Acknowledged);
        int count = own.SackPermitted ? BlocksOf(own, newest, original, blocks) : 0;
        FlowKey flow = FlowOf(1 - direction);
        output.Send(_scratch.Builder.Acknowledgment(
            in flow, other.NumberOf(other.MappedEnd), own.NumberOf(original), WindowOf(own, own.Acknowledged, original, own.WindowField), own.ReceiverTimestamps, blocks[..count]));
    }

    // The block with the newest segment is the first (RFC 2018, 4), then those nearest behind the gap. The tail is told only if it came again, or its sender is silent.
    private static int BlocksOf(EditedStream own, long newest, long acknowledged, Span<SackBlock> blocks)
    {
        int count = 0;
        int first = -1;
        if (own.Tail.Count > 0 && newest >= own.Decided && newest < own.Received)
        {
            first = 0;
            blocks[count++] = new SackBlock(own.NumberOf(Math.Max(own.Tail[0].Start, acknowledged)), own.NumberOf(own.Received));
        }

        for (int i = 0; i < own.Ahead.Count;)
        {
            long left = own.Ahead[i].Start;
            long right = own.Ahead[i].End;
            for (i++; i < own.Ahead.Count && own.Ahead[i].Start <= right; i++)
            {
                right = Math.Max(right, own.Ahead[i].End);
            }

            if (left == right)
            {
                continue;
            }

            var block = new SackBlock(own.NumberOf(left), own.NumberOf(right));
            bool isNewest = newest >= left && newest < right;
            if (count < blocks.Length)
            {
                first = isNewest ? count : first;
                blocks[count++] = block;
            }
            else if (isNewest)
            {
                first = count - 1;
                blocks[first] = block;
                break;
            }
        }

        if (first > 0)
        {
            (blocks[0], blocks[first]) = (blocks[first], blocks[0]);
        }

        return count;
    }
}
