using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tcp.Streams;

namespace Interceptor.Tests.Allocations;

/// <summary>A client that sends as a bulk transfer does: two full segments, then the server's acknowledgment of both, with time stamps, a millisecond apart.</summary>
internal sealed class Conversation
{
    internal const int SegmentLength = 1448;

    private readonly PacketBuilder _builder = new();
    private readonly byte[] _payload = new byte[SegmentLength];
    private SequenceNumber _next = new(uint.MaxValue - 100_000);
    private long _number;

    /// <summary>The handshake.</summary>
    internal void Open(TcpTracker tracker)
    {
        FromClient(TcpFlags.Syn).MaximumSegmentSize(1460).SackPermitted().Timestamps(Milliseconds, 0).WindowScale(7);
        Show(tracker);
        FromServer(TcpFlags.Syn | TcpFlags.Ack, _next + 1).MaximumSegmentSize(1460).SackPermitted().Timestamps(Milliseconds, Milliseconds).WindowScale(7);
        Show(tracker);
        _next += 1;
        FromClient(TcpFlags.Ack);
        Show(tracker);
    }

    /// <summary>So many times two segments and an acknowledgment.</summary>
    internal void Send(TcpTracker tracker, int pairs)
    {
        for (int i = 0; i < pairs * 2; i++)
        {
            FromClient(TcpFlags.Ack | TcpFlags.Psh).NoOperation().NoOperation().Timestamps(Milliseconds, Milliseconds).Payload(_payload);
            Show(tracker);
            _next += SegmentLength;
            if (i % 2 == 1)
            {
                FromServer(TcpFlags.Ack, _next).NoOperation().NoOperation().Timestamps(Milliseconds, Milliseconds);
                Show(tracker);
            }
        }
    }

    private uint Milliseconds => (uint)_number + 1;

    private PacketBuilder FromClient(TcpFlags flags) => _builder.Clear()
        .Ipv4(IpAddress.FromIpv4(0xC0000201), IpAddress.FromIpv4(0xC0000202))
        .Tcp(49152, 80, _next, (flags & TcpFlags.Ack) != 0 ? new SequenceNumber(1001) : default, flags);

    private PacketBuilder FromServer(TcpFlags flags, SequenceNumber acknowledgment) => _builder.Clear()
        .Ipv4(IpAddress.FromIpv4(0xC0000202), IpAddress.FromIpv4(0xC0000201))
        .Tcp(80, 49152, new SequenceNumber((flags & TcpFlags.Syn) != 0 ? 1000u : 1001u), acknowledgment, flags);

    private void Show(TcpTracker tracker)
    {
        _number++;
        PacketView view = PacketView.Parse(_builder.Finish(), LinkType.Raw);
        tracker.Process(in view, new CaptureTimestamp(_number * 1_000_000), _number);
    }
}

/// <summary>Wants every stream and counts.</summary>
internal sealed class Counter : ITcpStreamConsumer
{
    internal long Bytes { get; private set; }

    public bool Wants(TcpEndpoint sender) => true;

    public void OnData(TcpEndpoint sender, CaptureTimestamp at, ReadOnlySpan<byte> data) => Bytes += data.Length;

    public void OnMissing(TcpEndpoint sender, CaptureTimestamp at, long length)
    {
    }
}
