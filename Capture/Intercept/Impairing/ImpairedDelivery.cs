using Interceptor.Capture.Injection;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Carries the decisions out: packets wait in a <see cref="TimerWheel{T}"/> until they are due, copies are sent beside their originals with our own mark, bits are turned
/// over. Of a packet that only waits no byte is kept: the kernel has it.
/// <para>Threads: that of its session. The copies go out in the network namespace of the thread that made it.</para>
/// </summary>
internal sealed class ImpairedDelivery : IDisposable
{
    private readonly InterceptionQueue _queue;
    private readonly TimerWheel<Waiting> _waiting = new();
    private readonly PacketLeasePool _noBytes = new(bufferLength: 1);
    private readonly PacketLeasePool _bytes = new();
    private readonly TcpResetBuilder _resets = new();
    private readonly RawIpInjector? _injector4;
    private readonly RawIpInjector? _injector6;
    private readonly uint? _mark;

    internal ImpairedDelivery(InterceptionQueue queue, InterceptOptions options)
    {
        _queue = queue;
        _mark = options.Mark;
        if (options.Impairments.Duplicate > 0 || options.Schedule is not null || options.Reset)
        {
            _injector4 = RawIpInjector.Open(4, FirewallMatch.OwnMark);
            try
            {
                _injector6 = RawIpInjector.Open(6, FirewallMatch.OwnMark);
            }
            catch
            {
                _injector4.Dispose();
                throw;
            }
        }
    }

    /// <summary>When to call <see cref="ReleaseDue"/> next (nanoseconds, monotonic).</summary>
    internal long NextDue => _waiting.NextDue;

    /// <summary>Packets that wait.</summary>
    internal int Count => _waiting.Count;

    /// <summary>Packets that waited, also those that still do.</summary>
    internal long Delayed { get; private set; }

    /// <summary>Packets that went on behind one that had come later in the same direction of their connection.</summary>
    internal long Reordered { get; private set; }

    /// <summary>Packets whose copy was sent.</summary>
    internal long Duplicated { get; private set; }

    /// <summary>Packets whose copy could not be sent; why, is in <see cref="InjectionStatistics.Failures"/>.</summary>
    internal long DuplicatesFailed { get; private set; }

    /// <summary>Segments at which a connection was reset.</summary>
    internal long Resets { get; private set; }

    /// <summary>Packets of our own that were sent.</summary>
    internal long Injected => (_injector4?.Statistics.SentPackets ?? 0) + (_injector6?.Statistics.SentPackets ?? 0);

    /// <summary>Packets that went on with a bit turned over.</summary>
    internal long Corrupted { get; private set; }

    /// <summary>How much later than they were due packets went on, ns; those that the end let go are not in it.</summary>
    internal TimingErrors Lateness { get; } = new();

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

        bool needsBytes = decision.Duplicate || decision.Corrupt;
        if (decision.DelayNanoseconds == 0 && !needsBytes)
        {
            lane.NewestReleased = lane.Packets;
            Accept(packet);
            return;
        }

        PacketLease lease = needsBytes ? _bytes.Copy(packet.Packet) : _noBytes.Rent(0);
        bool isChanged = decision.Corrupt && PacketDamage.TurnBit(lease.WritableData, decision.CorruptBit);
        var item = new Waiting(packet.KeepAs(lease), lane, lane.Packets, isChanged, decision.Duplicate ? lease.Share() : null);
        if (decision.DelayNanoseconds == 0)
        {
            Release(in item);
            return;
        }

        Delayed++;
        _waiting.Add(item, now + decision.DelayNanoseconds);
    }

    /// <summary>Lets go on what is due at <paramref name="now"/>; <see cref="long.MaxValue"/> for all.</summary>
    internal void ReleaseDue(long now)
    {
        bool any = false;
        while (_waiting.TryTake(now, out Waiting item, out long due))
        {
            if (now != long.MaxValue)
            {
                Lateness.Add(now - due);
            }

            Release(in item);
            any = true;
        }

        if (any)
        {
            _queue.FlushVerdicts();
        }
    }

    public void Dispose()
    {
        _injector4?.Dispose();
        _injector6?.Dispose();
    }

    private void Release(in Waiting item)
    {
        Reordered += item.Number < item.Lane.NewestReleased ? 1 : 0;
        item.Lane.NewestReleased = Math.Max(item.Lane.NewestReleased, item.Number);
        InterceptedPacket packet = item.Packet;
        if (item.IsChanged)
        {
            Corrupted++;
            packet.AcceptEdited(packet.Data, _mark);
        }
        else
        {
            Accept(packet);
        }

        if (item.Copy is { } copy)
        {
            // The original goes first, and the copy is what it is: what a wire repeats has been damaged before.
            _queue.FlushVerdicts();
            SendCopy(copy.Data);
            copy.Dispose();
        }
    }

    private void Accept(InterceptedPacket packet)
    {
        if (_mark is { } mark)
        {
            packet.Accept(mark);
        }
        else
        {
            packet.Accept();
        }
    }

    private void Reset(ReadOnlySpan<byte> packet)
    {
        PacketView view = PacketView.Parse(packet, LinkType.Raw);
        if (!view.TryGetFlow(out FlowKey flow) || !view.TryGetTcp(out TcpView tcp))
        {
            return;
        }

        Span<byte> reset = stackalloc byte[TcpResetBuilder.MaximumLength];
        Send(reset[.._resets.ForSender(in flow, in tcp, view.PayloadLength, reset)]);
        Send(reset[.._resets.ForReceiver(in flow, in tcp, reset)]);
        Resets++;
    }

    private bool Send(ReadOnlySpan<byte> packet) => (packet.IsEmpty || packet[0] >> 4 == 4 ? _injector4! : _injector6!).Send(packet);

    private void SendCopy(ReadOnlySpan<byte> packet)
    {
        if (Send(packet))
        {
            Duplicated++;
        }
        else
        {
            DuplicatesFailed++;
        }
    }

    // The copy shares the bytes of the packet, which go back with the verdict.
    private readonly record struct Waiting(InterceptedPacket Packet, PacketLane Lane, long Number, bool IsChanged, PacketLease? Copy);
}
