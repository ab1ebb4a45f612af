using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// The way out of an interception: gives the verdict, with the mark, sends the copy, and tells the fate.
/// <para>Threads: that of its worker.</para>
/// </summary>
internal sealed class PacketExit(InterceptionQueue queue, InterceptCourse course, OwnPackets? own) : IOutgoingStage
{
    private readonly uint? _mark = course.Options.Mark;

    public bool NeedsBytes => false;

    public long NextDue => long.MaxValue;

    /// <summary>True where the fate is told here, because a stage changes it; else it was told when the packet came.</summary>
    internal bool TellsFates { get; set; }

    /// <summary>Packets whose copy was sent.</summary>
    internal long Duplicated { get; private set; }

    /// <summary>Packets whose copy could not be sent.</summary>
    internal long DuplicatesFailed { get; private set; }

    /// <summary>Lets the packet go on.</summary>
    public void Pass(in OutgoingPacket packet)
    {
        InterceptedPacket source = packet.Packet;
        try
        {
            Tell(in packet, packet.Decision, packet.IsChanged ? packet.Bytes : default);
        }
        finally
        {
            if (packet.IsChanged)
            {
                source.AcceptEdited(packet.Bytes, _mark);
            }
            else if (_mark is { } mark)
            {
                source.Accept(mark);
            }
            else
            {
                source.Accept();
            }
        }

        if (packet.IsDoubled)
        {
            // The original goes first, and the copy is what it is: what a wire repeats has been damaged before.
            queue.FlushVerdicts();
            SendCopy(packet.Bytes);
        }
    }

    /// <summary>Ends the packet's way.</summary>
    internal void Drop(in OutgoingPacket packet)
    {
        try
        {
            Tell(in packet, packet.Decision with { Drop = true }, default);
        }
        finally
        {
            packet.Packet.Drop();
        }
    }

    public void ReleaseDue(long now)
    {
    }

    public void End()
    {
    }

    private void Tell(in OutgoingPacket packet, ImpairmentDecision decision, ReadOnlySpan<byte> changed)
    {
        if (TellsFates && course.IsObserved)
        {
            CapturedPacket captured = packet.Packet.Packet;
            long held = Math.Max(Clock.RealtimeNanoseconds() - captured.Metadata.Timestamp.Nanoseconds, 0);
            course.Tell(new InterceptedFate(packet.Packet, in captured, in decision) { Changed = changed, HeldNanoseconds = held, Note = packet.Note });
        }
    }

    private void SendCopy(ReadOnlySpan<byte> packet)
    {
        if (own!.Send(packet))
        {
            Duplicated++;
        }
        else
        {
            DuplicatesFailed++;
        }
    }
}
