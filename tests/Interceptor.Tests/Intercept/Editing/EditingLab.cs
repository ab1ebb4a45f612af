using Interceptor.Capture.Intercept;
using Interceptor.Packets;

namespace Interceptor.Tests.Intercept.Editing;

/// <summary>
/// A connection of two <see cref="SimulatedEnd"/>s through a <see cref="ConnectionTable"/>, with loss, reordering and duplication before it and behind it (or, orderly, with nothing but loss before it), in virtual time.
/// </summary>
internal sealed class EditingLab : IEditingOutput
{
    private const long Deadline = 600_000_000_000;
    private const int MostSteps = 1_000_000;
    private readonly PriorityQueue<Action, (long Due, long Order)> _events = new();
    private readonly Random _random;
    private readonly double _loss;
    private readonly FirewallHook _hook;
    private readonly bool _isOrderly;
    private readonly ConnectionTable _connections;
    private readonly List<Held> _held = [];
    private byte[] _current = [];
    private bool _isDecided;
    private long _order;

    internal EditingLab(IReadOnlyList<Replacement> rules, byte[] upload, byte[] download, Random random, double loss, FirewallHook hook = FirewallHook.Forward, bool isOrderly = false, bool? timestamps = null)
    {
        _random = random;
        _loss = loss;
        _hook = hook;
        _isOrderly = isOrderly;
        _connections = new ConnectionTable(new ReplacementSet(rules), Scratch);
        bool hasTimestamps = timestamps ?? random.Next(2) == 0;
        bool isV6 = random.Next(4) == 0;
        var client = new FlowEndpoint(AddressOf(isV6, 1), 40000);
        var server = new FlowEndpoint(AddressOf(isV6, 2), 80);
        Client = new SimulatedEnd(new FlowKey(client, server, IpProtocol.Tcp), Initial(), upload, MaximumSegment, hasTimestamps, random);
        Server = new SimulatedEnd(new FlowKey(server, client, IpProtocol.Tcp), Initial(), download, MaximumSegment, hasTimestamps, random);
    }

    internal const int MaximumSegment = 100;

    internal EditingScratch Scratch { get; } = new();

    internal SimulatedEnd Client { get; }

    internal SimulatedEnd Server { get; }

    internal long Now { get; private set; }

    internal ConnectionEditor Connection => _connections.All.Single();

    /// <summary>Opens, transfers both streams, closes.</summary>
    internal void Run()
    {
        byte[] syn = Client.Syn(isAnswer: false);
        Edit(syn);
        Server.TakeSyn(syn, SimulatedEnd.Window);
        byte[] answer = Server.Syn(isAnswer: true);
        Edit(answer);
        Client.TakeSyn(answer, SimulatedEnd.Window);
        _events.Clear();
        Launch(Client.Pump(0));
        Launch(Server.Pump(0));
        int steps = 0;
        while (!(Client.IsDone && Server.IsDone))
        {
            ScheduleTimers();
            Assert.True(_events.TryDequeue(out Action? step, out (long Due, long Order) key), "nothing is under way and the connection is not done");
            Now = key.Due;
            Assert.True(Now < Deadline, $"not done after ten minutes: {Client.Acknowledged}, {Server.Acknowledged}");
            step();
            Assert.True(++steps < MostSteps, "the packets become more and more");
        }

        Assert.Empty(_held);
        Assert.Equal(0, Scratch.AheadBytes);
    }

    IHeldSegment IEditingOutput.Keep(bool behindGap)
    {
        Decide(null);
        var held = new Held(_current);
        _held.Add(held);
        return held;
    }

    void IEditingOutput.GoOn(IHeldSegment? held) => Deliver(held is Held kept ? kept.Packet : _current, held);

    void IEditingOutput.GoOn(IHeldSegment? held, ReadOnlySpan<byte> packet, int replaced, int growth) => Deliver(packet.ToArray(), held);

    void IEditingOutput.Drop(IHeldSegment? held, string reason) => Decide(held);

    void IEditingOutput.Send(ReadOnlySpan<byte> packet) => Depart(packet.ToArray());

    private static IpAddress AddressOf(bool isV6, byte last)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes[0] = 0xFD;
        bytes[15] = last;
        return isV6 ? IpAddress.FromIpv6(bytes) : IpAddress.FromIpv4(0x0A000000u + last);
    }

    // Near the wrap more often than not.
    private uint Initial() => unchecked((uint)(_random.Next(3) == 0 ? _random.Next() : -_random.Next(3000)));

    private void Schedule(long due, Action step) => _events.Enqueue(step, (due, _order++));

    private void Launch(IEnumerable<byte[]> packets)
    {
        foreach (byte[] packet in packets.ToArray())
        {
            int copies = _random.NextDouble() < _loss ? 0 : _random.NextDouble() < _loss / 4 ? 2 : 1;
            for (int i = 0; i < copies; i++)
            {
                Schedule(Now + Delay(), () => Edit(packet));
            }
        }
    }

    private void Edit(byte[] packet)
    {
        PacketView view = PacketView.Parse(packet, LinkType.Raw);
        Assert.True(EditedSegment.TryRead(in view, out EditedSegment segment));
        view.TryGetFlow(out FlowKey flow);
        _current = packet;
        _isDecided = false;
        ConnectionEditor connection = _connections.Find(in flow, in segment, this, out int direction)!;
        connection.Take(direction, _hook, in segment, Now, this);
        Assert.True(_isDecided, "a segment was forgotten");
        Assert.Null(connection.Refusal);
    }

    private void Deliver(byte[] packet, IHeldSegment? held)
    {
        Decide(held);
        Depart(packet);
    }

    private void Decide(IHeldSegment? held)
    {
        if (held is Held kept)
        {
            Assert.True(_held.Remove(kept), "a held segment was decided twice");
            return;
        }

        Assert.False(_isDecided, "a segment was decided twice");
        _isDecided = true;
    }

    private void Depart(byte[] packet)
    {
        PacketView.Parse(packet, LinkType.Raw).TryGetFlow(out FlowKey flow);
        SimulatedEnd target = flow == Client.Flow ? Server : Client;
        if (_isOrderly || _random.NextDouble() >= _loss)
        {
            Schedule(Now + Delay(), () => Launch(target.Take(packet, Now)));
        }
    }

    private void ScheduleTimers()
    {
        long due = Math.Min(Math.Min(Client.TimerDue, Server.TimerDue), _connections.Count == 0 ? long.MaxValue : Connection.NextDue);
        if (due == long.MaxValue || (_events.TryPeek(out _, out (long Due, long Order) next) && next.Due <= due))
        {
            return;
        }

        Schedule(Math.Max(due, Now), () =>
        {
            foreach (SimulatedEnd end in (ReadOnlySpan<SimulatedEnd>)[Client, Server])
            {
                if (end.TimerDue <= Now)
                {
                    Launch(end.Expire(Now));
                }
            }

            Connection.Expire(Now, this);
        });
    }

    // Some overtake others.
    private long Delay() => _isOrderly ? 500_000 : 100_000 + (_random.Next(10) == 0 ? _random.Next(4_000_000) : _random.Next(20_000));

    private sealed class Held(byte[] packet) : IHeldSegment
    {
        internal byte[] Packet => packet;

        public ReadOnlySpan<byte> Bytes => packet;
    }
}
