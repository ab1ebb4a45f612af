using System.Globalization;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Holding as a stage of an interception: gives packets to the <see cref="HoldQueue"/>, and lets go on or drops what was decided there.
/// <para>Threads: that of its worker; decisions come from any.</para>
/// </summary>
/// <param name="queue">Holds them.</param>
/// <param name="next">Where they go on.</param>
/// <param name="exit">Where they are dropped.</param>
/// <param name="wake">Ends the worker's wait for packets; called on any thread.</param>
internal sealed class HoldStage(HoldQueue queue, IOutgoingStage next, PacketExit exit, Action wake) : IOutgoingStage
{
    // Many may be held, and most that are many are small: a longer packet gets a longer buffer.
    private readonly PacketLeasePool _bytes = new(bufferLength: 128);
    private readonly HoldExit _out = new(wake);
    private Duty? _spare;

    public bool NeedsBytes => true;

    public long NextDue => _out.HasWork ? 0 : queue.NextDue;

    public void Pass(in OutgoingPacket packet)
    {
        long now = Clock.MonotonicNanoseconds();
        Duty duty = _spare ?? new Duty(this);
        _spare = duty;
        ReadOnlySpan<byte> bytes = packet.Bytes.IsEmpty ? packet.Packet.Data : packet.Bytes;
        var arrival = new HoldArrival
        {
            Bytes = bytes,
            Hook = packet.Packet.Hook,
            Timestamp = packet.Packet.Timestamp,
            OriginalLength = packet.IsChanged ? bytes.Length : packet.Packet.OriginalLength,
            IsDoubled = packet.IsDoubled,
            Now = now,
        };
        if (queue.TryHold(in arrival, duty, _out))
        {
            _spare = null;
            duty.Keep(in packet);
            _out.Flush(now);
            return;
        }

        // What was let go goes first.
        _out.Flush(now);
        next.Pass(in packet);
    }

    public void ReleaseDue(long now)
    {
        queue.Expire(now);
        _out.Flush(now);
    }

    public void End()
    {
        queue.End(_out);
        _out.Flush(Clock.MonotonicNanoseconds());
    }

    private void Release(InterceptedPacket packet, bool isChanged, ImpairmentDecision decision, string? note, HeldItem item, long heldFor) =>
        next.Pass(new OutgoingPacket(packet, item.Data.Span)
        {
            IsChanged = isChanged || item.IsEdited,
            IsDoubled = item.IsDoubled,
            Decision = decision,
            Note = Join(note, NoteOf(item, "", heldFor)),
        });

    private void Drop(InterceptedPacket packet, ImpairmentDecision decision, string? note, HeldItem item, HoldReason reason, long heldFor)
    {
        string why = reason switch
        {
            HoldReason.Copy => "a copy of what is held",
            HoldReason.Packets or HoldReason.Bytes => "too much is held",
            HoldReason.Age => "too old",
            HoldReason.End => "the end",
            _ => "by hand",
        };
        exit.Drop(new OutgoingPacket(packet, item.Data.Span) { Decision = decision, Note = Join(note, NoteOf(item, $" ({why})", heldFor)) });
    }

    private static string NoteOf(HeldItem item, string why, long heldFor)
    {
        string copies = item.Copies == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {item.Copies} {(item.Copies == 1 ? "copy" : "copies")} dropped");
        return string.Create(CultureInfo.InvariantCulture, $"held {heldFor / 1e6:0.000} ms{copies}{(item.IsEdited ? ", edited" : "")}{(item.IsDoubled ? ", sent twice" : "")}{why}");
    }

    private static string Join(string? before, string note) => before is null ? note : $"{before}; {note}";

    /// <summary>A packet kept for the queue.</summary>
    private sealed class Duty(HoldStage stage) : IHeldDuty
    {
        private InterceptedPacket _packet = null!;
        private ImpairmentDecision _decision;
        private string? _note;
        private bool _isChanged;

        internal void Keep(in OutgoingPacket packet)
        {
            _packet = packet.Packet.IsKept ? packet.Packet : packet.Packet.Keep(stage._bytes);
            _decision = packet.Decision;
            _note = packet.Note;
            _isChanged = packet.IsChanged;
        }

        public void Release(HeldItem item, long heldFor) => stage.Release(_packet, _isChanged, _decision, _note, item, heldFor);

        public void Drop(HeldItem item, HoldReason reason, long heldFor) => stage.Drop(_packet, _decision, _note, item, reason, heldFor);
    }
}
