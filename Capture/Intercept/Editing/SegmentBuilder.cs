using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Builds the segments that we send in the name of an end of a connection.
/// <para>Threads: one at a time. Allocates nothing.</para>
/// </summary>
internal sealed class SegmentBuilder
{
    private const int MaximumLength = Ipv6View.FixedLength + TcpView.MinimumLength + PacketBuilder.MaximumTcpOptionsLength;
    private readonly PacketBuilder _builder = new(MaximumLength);
    private readonly byte[] _bytes = new byte[MaximumLength];

    /// <summary>Blocks that go beside timestamps (RFC 2018, 3).</summary>
    internal const int MaximumBlocks = 3;

    /// <summary>An acknowledgment; borrowed until the next call.</summary>
    internal ReadOnlySpan<byte> Acknowledgment(
        in FlowKey flow, SequenceNumber sequence, SequenceNumber acknowledgment, ushort window, (uint Value, uint Echo)? timestamps, ReadOnlySpan<SackBlock> blocks)
    {
        Begin(in flow).Tcp(flow.Source.Port, flow.Destination.Port, sequence, acknowledgment, TcpFlags.Ack, window);
        if (timestamps is { } times)
        {
            _builder.NoOperation().NoOperation().Timestamps(times.Value, times.Echo);
        }

        if (!blocks.IsEmpty)
        {
            _builder.NoOperation().NoOperation().Sack(blocks);
        }

        return _bytes.AsSpan(0, _builder.Build(_bytes));
    }

    /// <summary>A reset with the number that its receiver expects; borrowed until the next call.</summary>
    internal ReadOnlySpan<byte> Reset(in FlowKey flow, SequenceNumber sequence)
    {
        Begin(in flow).Tcp(flow.Source.Port, flow.Destination.Port, sequence, default, TcpFlags.Rst, windowField: 0);
        return _bytes.AsSpan(0, _builder.Build(_bytes));
    }

    private PacketBuilder Begin(in FlowKey flow)
    {
        _builder.Clear();
        return flow.Source.Address.IsIpv4
            ? _builder.Ipv4(flow.Source.Address, flow.Destination.Address, dontFragment: true)
            : _builder.Ipv6(flow.Source.Address, flow.Destination.Address);
    }
}
