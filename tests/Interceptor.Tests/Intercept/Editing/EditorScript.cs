using Interceptor.Capture.Intercept;
using Interceptor.Packets;

namespace Interceptor.Tests.Intercept.Editing;

/// <summary>One connection (client 1000, server 5000 as initial numbers), segment by segment: what became of each, in words.</summary>
internal sealed class EditorScript : IEditingOutput
{
    private static readonly FlowKey FromClient = new(new(IpAddress.FromIpv4(0x0A000001), 40000), new(IpAddress.FromIpv4(0x0A000002), 80), IpProtocol.Tcp);
    private readonly PacketBuilder _builder = new(4096);
    private readonly List<string> _said = [];
    private byte[] _current = [];

    internal EditorScript(params string[] rules) =>
        Connections = new ConnectionTable(new ReplacementSet([.. rules.Select(Replacement.Parse)]), Scratch);

    internal EditingScratch Scratch { get; } = new();

    internal ConnectionTable Connections { get; }

    internal ConnectionEditor Connection => Connections.All.Single();

    internal long Now { get; set; } = 1;

    internal FirewallHook Hook { get; set; } = FirewallHook.Forward;

    /// <summary>Both SYNs and the ACK.</summary>
    internal EditorScript Open()
    {
        Client(1000, 0, TcpFlags.Syn, builder: packet => packet.MaximumSegmentSize(1460).SackPermitted());
        Server(5000, 1001, TcpFlags.Syn | TcpFlags.Ack, builder: packet => packet.MaximumSegmentSize(1460).SackPermitted());
        Client(1001, 5001, TcpFlags.Ack);
        return this;
    }

    internal string[] Client(uint sequence, uint acknowledgment, TcpFlags flags = TcpFlags.Ack, string text = "", ushort window = 1000, Action<PacketBuilder>? builder = null) =>
        Take(FromClient, sequence, acknowledgment, flags, text, window, builder);

    internal string[] Server(uint sequence, uint acknowledgment, TcpFlags flags = TcpFlags.Ack, string text = "", ushort window = 1000, Action<PacketBuilder>? builder = null) =>
        Take(FromClient.Reversed, sequence, acknowledgment, flags, text, window, builder);

    /// <summary>Lets time pass; what that did.</summary>
    internal string[] Wait(long nanoseconds)
    {
        Now += nanoseconds;
        Connection.Expire(Now, this);
        return Said();
    }

    internal string[] Release()
    {
        Connection.Release(this);
        return Said();
    }

    internal void TakeBytes(byte[] packet)
    {
        PacketView view = PacketView.Parse(packet, LinkType.Raw);
        Assert.True(EditedSegment.TryRead(in view, out EditedSegment segment));
        view.TryGetFlow(out FlowKey flow);
        _current = packet;
        Connections.Find(in flow, in segment, this, out int direction)!.Take(direction, Hook, in segment, Now, this);
    }

    internal byte[] Build(bool isClient, uint sequence, uint acknowledgment, TcpFlags flags, string text, ushort window = 1000, Action<PacketBuilder>? builder = null)
    {
        FlowKey flow = isClient ? FromClient : FromClient.Reversed;
        _builder.Clear().Ipv4(flow.Source.Address, flow.Destination.Address, dontFragment: true)
            .Tcp(flow.Source.Port, flow.Destination.Port, new(sequence), new(acknowledgment), flags, window);
        builder?.Invoke(_builder);
        _builder.Payload(System.Text.Encoding.Latin1.GetBytes(text));
        byte[] packet = new byte[4096];
        return packet[.._builder.Build(packet)];
    }

    IHeldSegment IEditingOutput.Keep(bool behindGap)
    {
        _said.Add(behindGap ? "kept behind a gap" : "kept");
        return new Held(_current);
    }

    void IEditingOutput.GoOn(IHeldSegment? held) => Say(held is null ? "as it is " : "later as it is ", held is null ? _current : held.Bytes);

    void IEditingOutput.GoOn(IHeldSegment? held, ReadOnlySpan<byte> packet, int replaced, int growth) => Say(held is null ? "" : "later ", packet);

    void IEditingOutput.Drop(IHeldSegment? held, string reason) => _said.Add($"dropped: {reason}");

    void IEditingOutput.Send(ReadOnlySpan<byte> packet) => Say("own ", packet);

    private string[] Take(FlowKey flow, uint sequence, uint acknowledgment, TcpFlags flags, string text, ushort window, Action<PacketBuilder>? builder)
    {
        TakeBytes(Build(flow == FromClient, sequence, acknowledgment, flags, text, window, builder));
        return Said();
    }

    private string[] Said()
    {
        string[] said = [.. _said];
        _said.Clear();
        return said;
    }

    private void Say(string how, ReadOnlySpan<byte> packet)
    {
        PacketView view = PacketView.Parse(packet, LinkType.Raw);
        Assert.Equal(ChecksumStatus.Correct, PacketChecksums.Verify(in view).Transport);
        view.TryGetTcp(out TcpView tcp);
        view.TryGetFlow(out FlowKey flow);
        Span<SackBlock> blocks = stackalloc SackBlock[4];
        int count = TcpOptionSummary.ReadSackBlocks(in tcp, blocks);
        string sacks = string.Concat(blocks[..count].ToArray().Select(block => $" sack {block.Left}-{block.Right}"));
        string times = TcpOptionSummary.Read(tcp) is { HasTimestamps: true } options ? $" time {options.TimestampValue}" : "";
        string urgent = (tcp.Flags & TcpFlags.Urg) != 0 ? $" urgent {tcp.UrgentPointer}" : "";
        string flags = (tcp.Flags & TcpFlags.Rst) != 0 ? " reset" : (tcp.Flags & TcpFlags.Fin) != 0 ? " fin" : "";
        string text = System.Text.Encoding.Latin1.GetString(view.Payload);
        _said.Add($"{how}{(flow == FromClient ? ">" : "<")} {tcp.Sequence} '{text}' ack {tcp.Acknowledgment} win {tcp.WindowField}{flags}{urgent}{times}{sacks}");
    }

    private sealed class Held(byte[] packet) : IHeldSegment
    {
        public ReadOnlySpan<byte> Bytes => packet;
    }
}
