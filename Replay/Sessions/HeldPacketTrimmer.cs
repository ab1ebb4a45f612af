using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Replay;

/// <summary>
/// Cuts the peer's held packets down to what a restored socket lacks, packet by packet in the order in which they are given to it: bytes that it has, of the image or of a packet given
/// before, would be answered with duplicate acknowledgements, and an acknowledgement older than the image's has the whole packet thrown away (RFC 5961: to a socket that was
/// restored nothing was ever acknowledged).
/// <para>Threads: one at a time.</para>
/// </summary>
public sealed class HeldPacketTrimmer
{
    /// <summary>What was given beyond a gap; sorted, no two touching.</summary>
    private readonly List<(SequenceNumber Start, SequenceNumber End)> _beyond = [];
    private SequenceNumber _next;
    private SequenceNumber _acknowledged;
    private int _window;
    private bool _hasFin;

    /// <param name="snapshot">The socket as it was restored.</param>
    public HeldPacketTrimmer(TcpSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        _next = snapshot.RcvNxt;
        _acknowledged = snapshot.SndUna;
        _window = (int)Math.Min(snapshot.SndWnd >> snapshot.SndWindowScale, ushort.MaxValue);
        _hasFin = snapshot.FinReceived;
    }

    /// <summary>Cuts one packet.</summary>
    /// <param name="ipPacket">From its IP header on; changed in place, its lengths and checksums too.</param>
    /// <param name="length">How much of it is to be given.</param>
    /// <returns>False if it says nothing that the socket does not know.</returns>
    public bool TryTrim(Span<byte> ipPacket, out int length)
    {
        length = ipPacket.Length;
        var editor = new PacketEditor(ipPacket, LinkType.Raw);
        if (!editor.TryGetTcp(out TcpEditor tcp) || (tcp.Flags & (TcpFlags.Syn | TcpFlags.Rst | TcpFlags.Urg)) != 0 || (tcp.Flags & TcpFlags.Ack) == 0)
        {
            return true;
        }

        int textLength = editor.Payload.Length;
        SequenceNumber start = tcp.Sequence;
        SequenceNumber end = start + textLength;
        bool isFin = (tcp.Flags & TcpFlags.Fin) != 0 && !_hasFin;
        (SequenceNumber from, SequenceNumber to) = Lacking(start, end, isFin);
        bool isNews = tcp.Acknowledgment > _acknowledged || (tcp.Acknowledgment == _acknowledged && tcp.WindowField != _window);
        bool isDuplicateAcknowledgement = textLength == 0 && (tcp.Flags & TcpFlags.Fin) == 0 && start >= _next && tcp.Acknowledgment == _acknowledged;
        if (to - from <= 0 && !isFin && !isNews && !isDuplicateAcknowledgement)
        {
            return false;
        }

        length = Cut(editor, tcp, from - start, Math.Max(to - from, 0), isFin);
        if (isNews)
        {
            _window = tcp.WindowField;
        }

        _acknowledged = SequenceNumber.Max(_acknowledged, tcp.Acknowledgment);
        Add(from, to);
        _hasFin |= isFin;
        return true;
    }

    private int Cut(in PacketEditor editor, in TcpEditor tcp, int skipped, int kept, bool isFin)
    {
        Span<byte> packet = editor.Data;
        int header = packet.Length - editor.View.PaddingLength - editor.Payload.Length;
        int dropped = Math.Clamp(skipped, 0, editor.Payload.Length);
        packet.Slice(header + dropped, kept).CopyTo(packet[header..]);
        tcp.Sequence += skipped;
        tcp.Acknowledgment = SequenceNumber.Max(tcp.Acknowledgment, _acknowledged);
        if (!isFin)
        {
            tcp.Flags &= ~TcpFlags.Fin;
        }

        Span<byte> rest = packet[..(header + kept)];
        PacketChecksums.FixLengthsAndChecksums(rest, LinkType.Raw);
        return rest.Length;
    }

    /// <summary>The part of [start, end) from the first byte to the last one that was not given yet; empty, at what is expected next, where there is none.</summary>
    private (SequenceNumber From, SequenceNumber To) Lacking(SequenceNumber start, SequenceNumber end, bool keepsEnd)
    {
        SequenceNumber from = SequenceNumber.Max(start, _next);
        foreach ((SequenceNumber Start, SequenceNumber End) given in _beyond)
        {
            if (given.Start <= from && from < given.End)
            {
                from = given.End;
            }
        }

        SequenceNumber to = end;
        for (int i = _beyond.Count - 1; i >= 0 && !keepsEnd; i--)
        {
            if (_beyond[i].Start < to && to <= _beyond[i].End)
            {
                to = _beyond[i].Start;
            }
        }

        return (from, SequenceNumber.Max(from, to));
    }

    private void Add(SequenceNumber from, SequenceNumber to)
    {
        if (to <= from)
        {
            return;
        }

        for (int i = _beyond.Count - 1; i >= 0; i--)
        {
            if (_beyond[i].Start <= to && from <= _beyond[i].End)
            {
                from = SequenceNumber.Min(from, _beyond[i].Start);
                to = SequenceNumber.Max(to, _beyond[i].End);
                _beyond.RemoveAt(i);
            }
        }

        if (from <= _next)
        {
            _next = SequenceNumber.Max(_next, to);
            return;
        }

        int at = _beyond.FindIndex(given => given.Start > from);
        _beyond.Insert(at < 0 ? _beyond.Count : at, (from, to));
    }
}
