using Interceptor.Packets;

namespace Interceptor.Tests.Intercept.Editing;

/// <summary>
/// One end of a connection whose segments are lost, reordered and edited on their way: sends a stream in pieces of random lengths, again and in other pieces until it is
/// acknowledged, and puts together what comes, as strict as a kernel: windows, selective acknowledgments, PAWS, and the same byte at the same place whenever it comes.
/// </summary>
internal sealed class SimulatedEnd(FlowKey flow, uint initial, byte[] stream, int maximumSegment, bool hasTimestamps, Random random)
{
    internal const int Window = 1500;
    internal const long Timeout = 20_000_000;
    private const long OldSegmentAnswerInterval = 500_000_000;
    private readonly PacketBuilder _builder = new(2048);
    private readonly Dictionary<long, byte> _seen = [];
    private readonly List<byte> _received = [];
    private readonly SortedSet<long> _sacked = [];
    private uint _peerInitial;
    private long _next;
    private long _granted;
    private long _lastOldAnswer = -OldSegmentAnswerInterval;
    private uint _recentTimestamp;
    private int _duplicates;
    private long _finAt = -1;
    private long _newestBlock = -1;

    internal FlowKey Flow => flow;

    internal long Acknowledged { get; private set; }

    internal long TimerDue { get; private set; } = long.MaxValue;

    internal byte[] Received => [.. _received];

    internal bool HasFin { get; private set; }

    internal bool IsDone => Acknowledged == stream.Length + 1 && HasFin;

    internal long LongestPayload { get; private set; }

    /// <summary>Packets that a kernel refuses as old or injected.</summary>
    internal int Refused { get; private set; }

    internal byte[] Syn(bool isAnswer)
    {
        Begin(flow);
        _builder.Tcp(flow.Source.Port, flow.Destination.Port, new(initial), isAnswer ? new(_peerInitial + 1) : default, TcpFlags.Syn | (isAnswer ? TcpFlags.Ack : 0), Window)
            .MaximumSegmentSize((ushort)maximumSegment).SackPermitted();
        if (hasTimestamps)
        {
            _builder.Timestamps(1, 0);
        }

        return Build();
    }

    internal void TakeSyn(byte[] packet, int granted)
    {
        PacketView.Parse(packet, LinkType.Raw).TryGetTcp(out TcpView tcp);
        _peerInitial = tcp.Sequence.Value;
        _granted = granted;
    }

    /// <summary>What may be sent now.</summary>
    internal IEnumerable<byte[]> Pump(long now)
    {
        while (_next < stream.Length + 1 && (_next == stream.Length || _next < _granted))
        {
            int length = (int)Math.Min(random.Next(1, maximumSegment - OptionsLength + 1), Math.Min(stream.Length - _next, Math.Max(_granted - _next, 0)));
            bool isFin = _next + length == stream.Length && (length == 0 || random.Next(2) == 0);
            yield return Segment(_next, length, isFin, now);
            _next += length + (isFin ? 1 : 0);
        }

        Arm(now);
    }

    /// <summary>All that is not acknowledged goes out again, in other pieces; a closed window is probed.</summary>
    internal IEnumerable<byte[]> Expire(long now)
    {
        TimerDue = long.MaxValue;
        _sacked.Clear();
        if (_next == Acknowledged && _next < stream.Length)
        {
            yield return Segment(_next++, 1, isFin: false, now);
        }

        for (long at = Acknowledged; at < _next;)
        {
            int length = (int)Math.Min(random.Next(1, maximumSegment - OptionsLength + 1), Math.Min(_next, stream.Length) - at);
            bool isFin = at + length == stream.Length && _next > stream.Length;
            yield return Segment(at, length, isFin, now);
            at += length + (isFin ? 1 : 0);
        }

        Arm(now);
    }

    /// <summary>Takes a packet; what it answers.</summary>
    internal List<byte[]> Take(byte[] packet, long now)
    {
        PacketView view = PacketView.Parse(packet, LinkType.Raw);
        Assert.Equal(ChecksumStatus.Correct, PacketChecksums.Verify(in view).Transport);
        Assert.True(view.TryGetTcp(out TcpView tcp));
        Assert.Equal(packet.Length, view.Innermost.PayloadOffset + view.Innermost.PayloadLength);
        Assert.Equal(TcpFlags.Ack, tcp.Flags & (TcpFlags.Ack | TcpFlags.Rst | TcpFlags.Syn));
        var answers = new List<byte[]>();
        long position = tcp.Sequence.Unwrap(new SequenceNumber(_peerInitial) + 1, _received.Count);
        TcpOptionSummary options = TcpOptionSummary.Read(tcp);
        Assert.Equal(hasTimestamps, options.HasTimestamps);
        if (hasTimestamps && unchecked((int)(_recentTimestamp - options.TimestampValue)) > 0)
        {
            // An old duplicate, says PAWS.
            Refused++;
            answers.Add(Acknowledgment(now));
            return answers;
        }

        if (hasTimestamps && position <= _received.Count)
        {
            _recentTimestamp = options.TimestampValue;
        }

        if (tcp.Acknowledgment.Unwrap(new SequenceNumber(initial) + 1, Acknowledged) < Acknowledged - Window)
        {
            // Not ours, says RFC 5961.
            Refused++;
            answers.Add(Acknowledgment(now));
            return answers;
        }

        answers.AddRange(TakeAcknowledgment(in tcp, now));
        TakeText(view.Payload, position, (tcp.Flags & TcpFlags.Fin) != 0, now, answers);
        answers.AddRange(Pump(now));
        return answers;
    }

    private int OptionsLength => hasTimestamps ? 12 : 0;

    private long NextExpected => _received.Count + (HasFin ? 1 : 0);

    private List<byte[]> TakeAcknowledgment(in TcpView tcp, long now)
    {
        long place = tcp.Acknowledgment.Unwrap(new SequenceNumber(initial) + 1, Acknowledged);
        Assert.True(place <= _next, $"{place} is acknowledged, {_next} was sent");
        Span<SackBlock> blocks = stackalloc SackBlock[4];
        int count = TcpOptionSummary.ReadSackBlocks(in tcp, blocks);
        for (int i = 0; i < count; i++)
        {
            long left = blocks[i].Left.Unwrap(new SequenceNumber(initial) + 1, Acknowledged);
            long right = blocks[i].Right.Unwrap(new SequenceNumber(initial) + 1, Acknowledged);
            Assert.True(left < right && right <= _next, $"block {left}-{right}, sent {_next}");
            for (long at = Math.Max(left, Acknowledged); at < right; at++)
            {
                _sacked.Add(at);
            }
        }

        if (place >= Acknowledged)
        {
            _granted = place + tcp.WindowField;
        }

        if (place > Acknowledged)
        {
            Acknowledged = place;
            _duplicates = 0;
            TimerDue = long.MaxValue;
            Arm(now);
            return [];
        }

        _duplicates += place == Acknowledged && _next > place ? 1 : 0;
        if (_duplicates != 3 || Acknowledged >= stream.Length)
        {
            return [];
        }

        // The first hole.
        int length = 1;
        while (length < maximumSegment - OptionsLength && Acknowledged + length < Math.Min(_next, stream.Length) && !_sacked.Contains(Acknowledged + length))
        {
            length++;
        }

        return [Segment(Acknowledged, length, isFin: false, now)];
    }

    private void TakeText(ReadOnlySpan<byte> payload, long position, bool isFin, long now, List<byte[]> answers)
    {
        LongestPayload = Math.Max(LongestPayload, payload.Length);
        if (payload.IsEmpty && !isFin)
        {
            if (position != NextExpected && now - _lastOldAnswer >= OldSegmentAnswerInterval)
            {
                _lastOldAnswer = now;
                answers.Add(Acknowledgment(now));
            }

            return;
        }

        for (int i = 0; i < payload.Length && position + i < _received.Count + Window; i++)
        {
            long at = position + i;
            Assert.True(!_seen.TryGetValue(at, out byte before) || before == payload[i], $"position {at} was {(char)before} and is {(char)payload[i]}");
            Assert.True(_finAt < 0 || at < _finAt, "data behind the FIN");
            _seen[at] = payload[i];
            _newestBlock = at;
        }

        if (isFin)
        {
            Assert.True(_finAt < 0 || _finAt == position + payload.Length, "the FIN moved");
            _finAt = position + payload.Length;
        }

        while (_seen.TryGetValue(_received.Count, out byte next))
        {
            _received.Add(next);
        }

        HasFin |= _finAt == _received.Count;
        answers.Add(Acknowledgment(now));
    }

    private void Arm(long now)
    {
        if (TimerDue == long.MaxValue && (_next > Acknowledged || Acknowledged < stream.Length))
        {
            TimerDue = now + Timeout;
        }
    }

    private byte[] Segment(long position, int length, bool isFin, long now) =>
        Packet(new SequenceNumber(initial) + 1 + (int)position, TcpFlags.Ack | (isFin ? TcpFlags.Fin : 0), stream.AsSpan((int)Math.Min(position, stream.Length), length), default, now);

    private byte[] Acknowledgment(long now)
    {
        var blocks = new List<SackBlock>();
        long at = _newestBlock;
        if (at > _received.Count && _seen.ContainsKey(at))
        {
            long left = at;
            long right = at + 1;
            while (_seen.ContainsKey(left - 1))
            {
                left--;
            }

            while (_seen.ContainsKey(right))
            {
                right++;
            }

            if (left > _received.Count)
            {
                blocks.Add(new SackBlock(PeerNumber(left), PeerNumber(right)));
            }
        }

        return Packet(new SequenceNumber(initial) + 1 + (int)_next, TcpFlags.Ack, default, [.. blocks], now);
    }

    private SequenceNumber PeerNumber(long position) => new SequenceNumber(_peerInitial) + 1 + (int)position;

    private byte[] Packet(SequenceNumber sequence, TcpFlags flags, ReadOnlySpan<byte> payload, ReadOnlySpan<SackBlock> blocks, long now)
    {
        Begin(flow);
        _builder.Tcp(flow.Source.Port, flow.Destination.Port, sequence, PeerNumber(NextExpected), flags, Window);
        if (hasTimestamps)
        {
            _builder.NoOperation().NoOperation().Timestamps((uint)(now / 1_000_000) + 1, _recentTimestamp);
        }

        if (!blocks.IsEmpty)
        {
            _builder.NoOperation().NoOperation().Sack(blocks);
        }

        _builder.Payload(payload);
        return Build();
    }

    private void Begin(FlowKey key)
    {
        _builder.Clear();
        if (key.Source.Address.IsIpv4)
        {
            _builder.Ipv4(key.Source.Address, key.Destination.Address, dontFragment: true);
        }
        else
        {
            _builder.Ipv6(key.Source.Address, key.Destination.Address);
        }
    }

    private byte[] Build()
    {
        byte[] packet = new byte[2048];
        return packet[.._builder.Build(packet)];
    }
}
