using System.Globalization;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <content>What becomes of the packet that is worked on, and of those that were kept.</content>
internal sealed partial class EditStage
{
    private readonly PacketLeasePool _kept = new();
    private byte[] _copy = [];
    private InterceptedPacket _packet = null!;
    private ImpairmentDecision _decision;
    private bool _isDoubled;

    IHeldSegment IEditingOutput.Keep(bool behindGap)
    {
        // A sender on this machine owns its packets until they leave: with many of them waiting it does not send what is missing (TCP small queues). So they
        // are taken from it, and go on as packets of our own.
        if (behindGap && _packet.Hook is FirewallHook.Output or FirewallHook.Postrouting)
        {
            PacketLease lease = _kept.Copy(_packet.Packet);
            PacketChecksums.FixChecksums(lease.WritableData, LinkType.Raw);
            _exit.Drop(Outgoing(null, default, isChanged: false, "goes on as a packet of our own when what is missing before it has come"));
            return new TakenPacket(lease);
        }

        return new KeptPacket(_packet.IsKept ? _packet : _packet.Keep(_kept), _decision, _isDoubled);
    }

    void IEditingOutput.GoOn(IHeldSegment? held) => GoOn(held);

    void IEditingOutput.GoOn(IHeldSegment? held, ReadOnlySpan<byte> packet, int replaced, int growth) => GoOn(held, packet, replaced, growth);

    void IEditingOutput.Drop(IHeldSegment? held, string reason)
    {
        if (held is TakenPacket taken)
        {
            taken.Lease.Dispose();
            return;
        }

        OutgoingPacket packet = Outgoing(held, default, isChanged: false, reason);
        _exit.Drop(in packet);
    }

    void IEditingOutput.Send(ReadOnlySpan<byte> packet) => Send(packet);

    private void Send(ReadOnlySpan<byte> packet)
    {
        // What went on before goes first.
        _queue.FlushVerdicts();
        _own.Send(packet);
    }

    private void Take(in OutgoingPacket packet)
    {
        _packet = packet.Packet;
        _decision = packet.Decision;
        _isDoubled = packet.IsDoubled;
    }

    private void GoOn(IHeldSegment? held)
    {
        if (held is TakenPacket taken)
        {
            SendTaken(taken, taken.Bytes);
            return;
        }

        OutgoingPacket packet = Outgoing(held, default, isChanged: false, null);
        if (packet.IsDoubled)
        {
            // The bytes of a packet that was kept go back with its verdict, and the copy is sent behind it.
            int length = packet.Packet.Data.Length;
            _copy = _copy.Length < length ? new byte[length] : _copy;
            packet.Packet.Data.CopyTo(_copy);
            _next.Pass(packet with { Bytes = _copy.AsSpan(0, length) });
            return;
        }

        _next.Pass(packet with { Bytes = packet.Packet.Data });
    }

    private void SendTaken(TakenPacket taken, ReadOnlySpan<byte> bytes)
    {
        Send(bytes);
        taken.Lease.Dispose();
    }

    private void GoOn(IHeldSegment? held, ReadOnlySpan<byte> bytes, int replaced, int growth)
    {
        if (held is TakenPacket taken)
        {
            SendTaken(taken, bytes);
            return;
        }

        string? note = _course.IsObserved ? NoteOf(replaced, growth) : null;
        OutgoingPacket packet = Outgoing(held, bytes, isChanged: true, note);
        _next.Pass(in packet);
    }

    private OutgoingPacket Outgoing(IHeldSegment? held, ReadOnlySpan<byte> bytes, bool isChanged, string? note) => held is KeptPacket kept
        ? new OutgoingPacket(kept.Packet, bytes) { IsChanged = isChanged, IsDoubled = kept.IsDoubled, Decision = kept.Decision, Note = note }
        : new OutgoingPacket(_packet, bytes) { IsChanged = isChanged, IsDoubled = _isDoubled, Decision = _decision, Note = note };

    private static string NoteOf(int replaced, int growth) => (replaced, growth) switch
    {
        (0, 0) => "numbers translated",
        _ => string.Create(CultureInfo.InvariantCulture, $"replaced {replaced}, {growth:+0;-0;+0} bytes"),
    };

    /// <summary>One whose verdict was a drop.</summary>
    private sealed record TakenPacket(PacketLease Lease) : IHeldSegment
    {
        public ReadOnlySpan<byte> Bytes => Lease.Data;
    }

    private sealed record KeptPacket(InterceptedPacket Packet, ImpairmentDecision Decision, bool IsDoubled) : IHeldSegment
    {
        public ReadOnlySpan<byte> Bytes => Packet.Data;
    }
}
