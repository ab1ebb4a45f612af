using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Builds the two resets that end a connection at the sight of one of its segments (RFC 9293, 3.5.2): its sender gets the one that its peer would send if it knew no
/// connection, its receiver one with the segment's own number, which is the one that it expects if the segment is in order; else it asks its peer (RFC 5961, 3.2), which is
/// closed and resets it.
/// <para>Threads: one at a time. Allocates nothing.</para>
/// </summary>
internal sealed class TcpResetBuilder
{
    /// <summary>Bytes that any of them fits in.</summary>
    internal const int MaximumLength = Ipv6View.FixedLength + TcpView.MinimumLength;

    private readonly PacketBuilder _builder = new(MaximumLength);

    /// <summary>The one for the sender of the segment; returns its length.</summary>
    /// <param name="flow">The segment's.</param>
    /// <param name="segment">Its header; no reset.</param>
    /// <param name="length">Bytes behind the header.</param>
    /// <param name="destination">At least <see cref="MaximumLength"/> bytes.</param>
    internal int ForSender(in FlowKey flow, scoped in TcpView segment, int length, Span<byte> destination)
    {
        TcpFlags flags = segment.Flags;
        if ((flags & TcpFlags.Ack) != 0)
        {
            return Build(flow.Reversed, segment.Acknowledgment, default, TcpFlags.Rst, destination);
        }

        int numbers = length + ((flags & TcpFlags.Syn) != 0 ? 1 : 0) + ((flags & TcpFlags.Fin) != 0 ? 1 : 0);
        return Build(flow.Reversed, default, segment.Sequence + numbers, TcpFlags.Rst | TcpFlags.Ack, destination);
    }

    /// <summary>The one for the receiver of the segment; returns its length.</summary>
    internal int ForReceiver(in FlowKey flow, scoped in TcpView segment, Span<byte> destination)
    {
        bool hasAck = (segment.Flags & TcpFlags.Ack) != 0;
        return Build(flow, segment.Sequence, hasAck ? segment.Acknowledgment : default, hasAck ? TcpFlags.Rst | TcpFlags.Ack : TcpFlags.Rst, destination);
    }

    private int Build(in FlowKey flow, SequenceNumber sequence, SequenceNumber acknowledgment, TcpFlags flags, Span<byte> destination)
    {
        _builder.Clear();
        if (flow.Source.Address.Version == 4)
        {
            _builder.Ipv4(flow.Source.Address, flow.Destination.Address, dontFragment: true);
        }
        else
        {
            _builder.Ipv6(flow.Source.Address, flow.Destination.Address);
        }

        return _builder.Tcp(flow.Source.Port, flow.Destination.Port, sequence, acknowledgment, flags, windowField: 0).Build(destination);
    }
}
