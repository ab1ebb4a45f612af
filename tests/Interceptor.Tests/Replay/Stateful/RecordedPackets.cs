using System.Text;
using Interceptor.Packets;
using Interceptor.Replay.Stateful;
using Interceptor.Tcp;

namespace Interceptor.Tests.Replay.Stateful;

/// <summary>Packets of made-up connections, and the scripts that a replay makes of them. Numbers are relative: 1 is the first byte. Packets are numbered from 1, times are ms.</summary>
internal sealed class RecordedPackets : IDisposable
{
    internal const uint ClientBase = 0xFFFF_FFF0;
    internal const uint ServerBase = 0xFFFF_FF00;

    private readonly StreamStore _store = new();
    private readonly ScriptRecorder _recorder;
    private readonly TcpTracker _tracker;
    private long _number;
    private FlowKey _toServer = Flow(40000);

    internal RecordedPackets()
    {
        _recorder = new ScriptRecorder(_store);
        _tracker = new TcpTracker(new TcpTrackerOptions { HashStreams = false }, _recorder, _recorder);
    }

    /// <summary>Milliseconds as the scripts have them.</summary>
    internal static long At(double milliseconds) => (long)(milliseconds * 1_000_000);

    /// <summary>The connection that the next packets are of.</summary>
    internal RecordedPackets Connection(ushort clientPort, byte clientHost = 1, ushort serverPort = 80)
    {
        _toServer = Flow(clientPort, clientHost, serverPort);
        return this;
    }

    internal RecordedPackets Handshake(double at) => Client(at, 0, 0, "", TcpFlags.Syn).Server(at, 0, 1, "", TcpFlags.Syn | TcpFlags.Ack).Client(at, 1, 1, "");

    internal RecordedPackets Client(double at, long sequence, long acknowledged, string text, TcpFlags flags = TcpFlags.Ack) =>
        Add(at, in _toServer, ClientBase, ServerBase, sequence, acknowledged, text, flags);

    internal RecordedPackets Server(double at, long sequence, long acknowledged, string text, TcpFlags flags = TcpFlags.Ack)
    {
        var toClient = new FlowKey(_toServer.Destination, _toServer.Source, IpProtocol.Tcp);
        return Add(at, in toClient, ServerBase, ClientBase, sequence, acknowledged, text, flags);
    }

    /// <summary>The packets are all: the scripts, and why one can't be played.</summary>
    internal IReadOnlyList<(ConversationScript Script, string? Obstacle, string? Reservation)> Read(ConversationSelection? selection = null)
    {
        _tracker.Finish();
        return [.. _recorder.Complete(selection ?? new ConversationSelection())];
    }

    internal ConversationScript[] Scripts() => [.. Read().Select(static it => it.Script)];

    internal static string TextOf(ScriptStream stream)
    {
        var bytes = new byte[stream.Length];
        Assert.Equal(bytes.Length, ((IExpectedBytes)stream).ReadKnown(0, bytes));
        return Encoding.Latin1.GetString(bytes);
    }

    public void Dispose() => _store.Dispose();

    private static FlowKey Flow(ushort clientPort, byte clientHost = 1, ushort serverPort = 80) =>
        new(new FlowEndpoint(IpAddress.FromIpv4(0xC0000200u + clientHost), clientPort), new FlowEndpoint(IpAddress.FromIpv4(0xC00002FF), serverPort), IpProtocol.Tcp);

    private RecordedPackets Add(double at, in FlowKey flow, uint own, uint other, long sequence, long acknowledged, string text, TcpFlags flags)
    {
        byte[] payload = Encoding.Latin1.GetBytes(text);
        var segment = new TcpSegment
        {
            Sequence = new SequenceNumber(unchecked(own + (uint)sequence)),
            Acknowledgment = new SequenceNumber(unchecked(other + (uint)acknowledged)),
            Flags = flags,
            WindowField = 65535,
            Length = payload.Length,
            Payload = payload,
        };
        _tracker.Process(in flow, in segment, new CaptureTimestamp(At(at)), ++_number);
        return this;
    }
}
