using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Carries the decisions out: packets wait in a <see cref="TimerWheel{T}"/> until they are due, bits are turned over, connections reset; what goes on goes to the stages
/// behind. Of a packet that only waits no byte is kept, unless a stage needs it: the kernel has it.
/// <para>Threads: that of its worker.</para>
/// </summary>
internal sealed class ImpairedDelivery(IOutgoingStage next, OwnPackets? own, TimingErrors lateness)
{
    private readonly TimerWheel<Waiting> _waiting = new();
    // All that need no bytes share it.
    private readonly PacketLease _noBytes = new PacketLeasePool(bufferLength: 1).Rent(0);
    private readonly PacketLeasePool _bytes = new();
    private readonly TcpResetBuilder _resets = new();
    private byte[] _damaged = [];

    /// <summary>When to call <see cref="ReleaseDue"/> next (nanoseconds, monotonic).</summary>
    internal long NextDue => _waiting.NextDue;

    /// <summary>Packets that wait.</summary>
    internal int Count => _waiting.Count;

    /// <summary>Packets that waited, also those that still do.</summary>
    internal long Delayed { get; private set; }

    /// <summary>Packets that went on behind one that had come later in the same direction of their connection.</summary>
    internal long Reordered { get; private set; }

    /// <summary>Segments at which a connection was reset.</summary>
    internal long Resets { get; private set; }

    /// <summary>Packets that went on with a bit turned over.</summary>
    internal long Corrupted { get; private set; }

    /// <summary>The packet with its bit turned over, borrowed until the next call; empty where no bit is turned.</summary>
    internal ReadOnlySpan<byte> Damage(ReadOnlySpan<byte> packet, in ImpairmentDecision decision)
    {
        if (!decision.Corrupt)
        {
            return default;
        }

        if (_damaged.Length < packet.Length)
        {
            _damaged = new byte[Math.Max(packet.Length, 2048)];
        }

        Span<byte> damaged = _damaged.AsSpan(0, packet.Length);
        packet.CopyTo(damaged);
        return PacketDamage.TurnBit(damaged, decision.CorruptBit) ? damaged : default;
    }

    /// <summary>Gives the packet its verdict, now or when it is due.</summary>
    /// <param name="packet">A lent packet, the newest of its lane.</param>
    /// <param name="lane">Where it belongs.</param>
    /// <param name="decision">What is done to it.</param>
    /// <param name="now">The time (nanoseconds, monotonic).</param>
    internal void Deliver(InterceptedPacket packet, PacketLane lane, in ImpairmentDecision decision, long now)
    {
        if (decision.Drop)
        {
            if (decision.Reset)
            {
                Reset(packet.Data);
            }

            packet.Drop();
            return;
        }

        // A copy is sent behind the verdict, by which the bytes that are lent go back.
        if (decision.DelayNanoseconds == 0 && !decision.Duplicate)
        {
            Leave(packet, packet.Data, lane, lane.Packets, in decision);
            return;
        }

        bool needsBytes = decision.Duplicate || decision.Corrupt || next.NeedsBytes;
        PacketLease lease = needsBytes ? _bytes.Copy(packet.Packet) : _noBytes.Share();
        var item = new Waiting(packet.KeepAs(lease), lane, lane.Packets, decision, decision.Duplicate ? lease.Share() : null);
        if (decision.DelayNanoseconds == 0)
        {
            Release(in item);
            return;
        }

        Delayed++;
        _waiting.Add(item, now + decision.DelayNanoseconds);
    }

    /// <summary>Lets go on what is due at <paramref name="now"/>; <see cref="long.MaxValue"/> for all. The caller flushes the verdicts.</summary>
    internal void ReleaseDue(long now)
    {
        while (_waiting.TryTake(now, out Waiting item, out long due))
        {
            if (now != long.MaxValue)
            {
                lateness.Add(now - due);
            }

            Release(in item);
        }
    }

    private void Release(in Waiting item)
    {
        try
        {
            Leave(item.Packet, item.Packet.Data, item.Lane, item.Number, item.Decision);
        }
        finally
        {
            item.Copy?.Dispose();
        }
    }

    private void Leave(InterceptedPacket packet, ReadOnlySpan<byte> bytes, PacketLane lane, long number, in ImpairmentDecision decision)
    {
        Reordered += number < lane.NewestReleased ? 1 : 0;
        lane.NewestReleased = Math.Max(lane.NewestReleased, number);
        ReadOnlySpan<byte> damaged = Damage(bytes, in decision);
        bool isDamaged = !damaged.IsEmpty;
        Corrupted += isDamaged ? 1 : 0;
        next.Pass(new OutgoingPacket(packet, isDamaged ? damaged : bytes) { IsChanged = isDamaged, IsDoubled = decision.Duplicate, Decision = decision });
    }

    private void Reset(ReadOnlySpan<byte> packet)
    {
        PacketView view = PacketView.Parse(packet, LinkType.Raw);
        if (!view.TryGetFlow(out FlowKey flow) || !view.TryGetTcp(out TcpView tcp))
        {
            return;
        }

        Span<byte> reset = stackalloc byte[TcpResetBuilder.MaximumLength];
        own!.Send(reset[.._resets.ForSender(in flow, in tcp, view.PayloadLength, reset)]);
        own.Send(reset[.._resets.ForReceiver(in flow, in tcp, reset)]);
        Resets++;
    }

    // The copy shares the bytes of the packet, which go back with the verdict: it keeps them until it was sent.
    private readonly record struct Waiting(InterceptedPacket Packet, PacketLane Lane, long Number, ImpairmentDecision Decision, PacketLease? Copy);
}
