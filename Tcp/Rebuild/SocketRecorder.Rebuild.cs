using System.Globalization;
using Interceptor.Packets;

namespace Interceptor.Tcp.Rebuild;

public sealed partial class SocketRecorder
{
    // More than any socket's buffer: such an offset is a mistake.
    private const long MostUnread = 1 << 28;

    /// <summary>The socket at an instant that is not before the last segment that was followed. Can be asked again later.</summary>
    public RebuildOutcome Rebuild(CaptureTimestamp at)
    {
        if (_connection is not { } connection)
        {
            return Fail(RebuildFault.NotFound, "");
        }

        connection.PassTime(at);
        TcpEndpoint own = _recording.Own;
        if (WhyNotOpen(own) is { } closed)
        {
            return Fail(RebuildFault.NotOpen, closed);
        }

        var handshake = new HandshakeKnowledge(own, _recording.HasSack, _request.Assumptions);
        if (handshake.Contradicted.Count > 0)
        {
            return Fail(RebuildFault.Contradicted, $"the handshake of {NameOf(own)} is in the capture, and says otherwise of: {string.Join(", ", handshake.Contradicted)}.");
        }

        if (handshake.Missing.Count > 0)
        {
            return Fail(
                RebuildFault.HandshakeMissing,
                $"the handshake of {NameOf(own)} is not whole in the capture ({WhichSyn(own)}). Not known: {string.Join(", ", handshake.Missing)}.");
        }

        return TryFillQueues(own, out byte[] sent, out byte[] unread, out long copied, out RebuildOutcome? fault)
            ? new RebuildOutcome(Assemble(own, handshake, at, sent, unread, copied), RebuildFault.None, "")
            : fault!;
    }

    private static RebuildOutcome Fail(RebuildFault fault, string problem) => new(null, fault, problem);

    private static string NameOf(TcpEndpoint own) => $"{own.Address}-{own.Peer.Address}";

    private static string WhichSyn(TcpEndpoint own) => (own.Offer.IsKnown, own.Peer.Offer.IsKnown) switch
    {
        (false, false) => "neither SYN is in it",
        (false, true) => $"the SYN of {own.Address} is not in it",
        _ => $"the SYN of {own.Peer.Address} is not in it",
    };

    private string? WhyNotOpen(TcpEndpoint own)
    {
        string name = NameOf(own);
        if (own.WasReset)
        {
            return $"{name} was reset: there is nothing to go on with.";
        }

        if (own.State is TcpState.Closed or TcpState.TimeWait)
        {
            return $"{name} is over ({own.State.ToRfcName()}): both ends closed it.";
        }

        if (_taken is { } taken)
        {
            return taken.IsEvicted
                ? $"{name} had to be given up, as the capture has more open connections than fit into memory. Cut its packets out first: interceptor read FILE -w OUT 'host ...'."
                : $"{name} did not go on: its addresses and ports began another connection.";
        }

        if (own.IsOpening || own.State == TcpState.Unknown)
        {
            return $"the handshake of {name} was not finished ({own.State.ToRfcName()}): there is no session yet.";
        }

        return own.Counters.Packets == 0 || own.Peer.Counters.Packets == 0
            ? $"of {name} the capture has the packets of one direction only: the other end's windows are not known."
            : null;
    }

    private bool TryFillQueues(TcpEndpoint own, out byte[] sent, out byte[] unread, out long copied, out RebuildOutcome? fault)
    {
        fault = null;
        unread = [];
        long end = _recording.Next - (own.ReceiveQueue.FinReceived ? 1 : 0);
        copied = _request.ReadOffset ?? end;
        int length = own.WriteQueue.QueuedBytes;
        if (!_sent.TryCopy(_recording.Una, _recording.Una + length, out sent, out (long Start, long End) missing))
        {
            fault = Missing($"sent and {own.Peer.Address} did not acknowledge ({length} bytes)", own, missing);
        }
        else if (copied < 0 || copied > end || end - copied > MostUnread)
        {
            fault = Fail(
                RebuildFault.Contradicted,
                string.Create(CultureInfo.InvariantCulture, $"{copied} bytes can't be what the application of {own.Address} had read: {end} had come in order."));
        }
        else if (!_received.TryCopy(copied, end, out unread, out missing))
        {
            fault = Missing("received and did not read", own, missing);
        }

        return fault is null;
    }

    private RebuildOutcome Missing(string what, TcpEndpoint own, (long Start, long End) missing)
    {
        string why = _recording.WasCut ? "packets were cut off at its snap length (capture -s 0 takes them whole)" : "it missed packets";
        return Fail(
            RebuildFault.BytesMissing,
            string.Create(CultureInfo.InvariantCulture, $"of what {own.Address} {what}, the bytes {missing.Start} to {missing.End - 1} of the stream are not in the capture: {why}."));
    }

    private RebuiltSocket Assemble(TcpEndpoint own, HandshakeKnowledge handshake, CaptureTimestamp at, byte[] sent, byte[] unread, long copied)
    {
        // The model shifts the windows by what it knows of the SYNs.
        TcpSnapshot model = own.Snapshot();
        int sndShift = handshake.SndWindowScale - own.Peer.WindowScale;
        bool hasTimestamps = own.Offer.IsKnown && own.Peer.Offer.IsKnown ? model.Timestamps : _recording.HasTimestamps;
        var warnings = new List<string>();
        return new RebuiltSocket
        {
            Snapshot = model with
            {
                CopiedSeq = own.Peer.FirstNumber + 1 + (int)copied,
                SndWnd = Shifted(model.SndWnd, sndShift),
                MaxWindow = Shifted(model.MaxWindow, sndShift),
                RcvWnd = Shifted(model.RcvWnd, handshake.RcvWindowScale - own.WindowScale),
                MssClamp = handshake.Mss,
                WindowScaling = handshake.WindowScaling,
                SndWindowScale = handshake.SndWindowScale,
                RcvWindowScale = handshake.RcvWindowScale,
                SackPermitted = handshake.SackPermitted,
                Timestamps = hasTimestamps,
                TimestampValue = hasTimestamps ? _recording.Clock.ValueAt(at) : 0,
            },
            IsClient = own.Connection.Client == own,
            At = at,
            SendQueue = sent,
            ReceiveQueue = unread,
            OutOfOrder = OutOfOrder(own, warnings),
            BytesReceived = _recording.Next,
            BytesAcked = _recording.Una + (own.Connection.Client == own ? 1 : 0),
            MicrosecondTimestamps = hasTimestamps && _recording.Clock.IsMicroseconds,
            HadEcn = _recording.HadEcn,
            SmoothedRoundTrip = own.RoundTrips.Smoothed,
            Retransmissions = own.Counters.Retransmissions,
            Assumed = Assumed(handshake),
            Warnings = warnings,
        };
    }

    private string[] Assumed(HandshakeKnowledge handshake) =>
    [
        "sequences.write_seq",
        .. _request.ReadOffset is null ? (ReadOnlySpan<string>)["sequences.copied_seq"] : [],
        .. handshake.Assumed.Select(static name => $"options.{name}"),
        "socket",
        .. _recording.Own.Connection.Opening == TcpOpening.Midstream ? (ReadOnlySpan<string>)["counters"] : [],
    ];

    private static uint Shifted(uint window, int shift) => shift >= 0 ? (uint)Math.Min((ulong)window << shift, uint.MaxValue >> 1) : window >> -shift;

    private List<RebuiltSegment> OutOfOrder(TcpEndpoint own, List<string> warnings)
    {
        SequenceNumber first = own.Peer.FirstNumber + 1;
        List<RebuiltSegment> segments = [.. _received.From(_recording.Next).Select(piece => new RebuiltSegment(first + (int)piece.Place, piece.Bytes, Fin: false, piece.At))];
        long bytes = segments.Sum(static segment => (long)segment.Text.Length);
        if (bytes < own.ReceiveQueue.OutOfOrderBytes)
        {
            warnings.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"{own.ReceiveQueue.OutOfOrderBytes - bytes} bytes that came beyond a gap were not captured whole: {own.Peer.Address} sends them again."));
        }

        if (_recording.PeerFin is { } fin && !own.ReceiveQueue.FinReceived)
        {
            segments.Add(new RebuiltSegment(first + (int)fin, ReadOnlyMemory<byte>.Empty, Fin: true, own.Connection.LastPacketAt));
        }

        return segments;
    }
}
