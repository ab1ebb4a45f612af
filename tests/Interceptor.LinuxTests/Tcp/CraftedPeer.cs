using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Interceptor.Capture.Injection;
using Interceptor.Capture.Live;
using Interceptor.LinuxTests.Checkpoint;
using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tcp.Streams;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Tcp;

/// <summary>
/// One half of a TCP connection that the test writes segment by segment, against a kernel's listening socket. Its address belongs to nobody, so that no kernel
/// answers for it; a recording at the kernel's interface feeds a model. Numbers are relative: 0 is the crafted SYN, 1 its first byte; they cross 2^32 at once.
/// </summary>
internal sealed class CraftedPeer : IDisposable, ITcpStreamConsumer
{
    private const string OwnAddress = "10.77.0.9";
    private const ushort OwnPort = 4000;
    private const uint OwnIss = 0xFFFF_FFFE;

    private readonly Stack<IDisposable> _owned = new();
    private readonly RawIpInjector _injector;
    private readonly LiveCapture _capture;
    private readonly Socket _listener;
    private readonly List<byte> _followed = [];
    private readonly IpAddress _own;
    private readonly IpAddress _kernel;
    private SequenceNumber _kernelIss;
    private long _number;

    internal CraftedPeer(Action<Socket>? configureListener = null)
    {
        Assert.True(IpAddress.TryParse(OwnAddress, out _own) && IpAddress.TryParse(NetworkLab.ClientAddress, out _kernel));
        NetworkLab lab = Own(NetworkLab.Create());
        lab.Client.Run(() => TcpLink.Run("ip", $"neigh replace {OwnAddress} lladdr 02:00:00:00:00:09 dev {NetworkLab.ClientInterface}"));
        _injector = Own(lab.Server.Run(() => RawIpInjector.Open(4, 0)));
        _capture = Own(lab.Client.Run(() => LiveCapture.Open(new LiveCaptureOptions { Interface = NetworkLab.ClientInterface, Filter = "tcp", Immediate = true })));
        _listener = Own(lab.Client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)));
        configureListener?.Invoke(_listener);
        _listener.Bind(new IPEndPoint(IPAddress.Parse(NetworkLab.ClientAddress), 0));
        _listener.Listen();
        Tracker = new TcpTracker(null, this);
    }

    internal TcpTracker Tracker { get; }

    /// <summary>The model of the crafted half.</summary>
    internal TcpEndpoint OwnEnd => Tracker.Connections[0].Client;

    /// <summary>The model of the kernel's half.</summary>
    internal TcpEndpoint KernelEnd => OwnEnd.Peer;

    /// <summary>What the model says that the kernel's application gets.</summary>
    internal ReadOnlySpan<byte> Followed => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_followed);

    internal static SequenceNumber Absolute(long relative) => new(unchecked(OwnIss + (uint)relative));

    /// <summary>Completes a handshake and returns the kernel's socket.</summary>
    internal Socket Connect(bool timestamps = false)
    {
        uint? first = timestamps ? 1u : null;
        Send(0, [], TcpFlags.Syn, options => options.MaximumSegmentSize(1460).SackPermitted().NoOperation().NoOperation(), timestamp: first);
        FollowUntil((in TcpSegment segment) => segment.Syn && segment.Ack, "a SYN-ACK");
        _kernelIss = KernelEnd.Send.Iss!.Value;
        Send(1, [], timestamp: first);
        Socket accepted = Own(_listener.Accept());
        accepted.ReceiveTimeout = 10_000;
        return accepted;
    }

    internal void Send(long start, ReadOnlySpan<byte> text, TcpFlags flags = TcpFlags.Ack, Action<PacketBuilder>? options = null, ushort urgentPointer = 0, uint? timestamp = null)
    {
        var port = (ushort)((IPEndPoint)_listener.LocalEndPoint!).Port;
        PacketBuilder builder = new PacketBuilder().Ipv4(_own, _kernel)
            .Tcp(OwnPort, port, Absolute(start), (flags & TcpFlags.Ack) != 0 ? _kernelIss + 1 : default, flags, urgentPointer: urgentPointer);
        options?.Invoke(builder);
        if (timestamp is { } value)
        {
            builder.NoOperation().NoOperation().Timestamps(value, 0);
        }

        Assert.True(_injector.Send(builder.Payload(text).ToArray()), string.Join(", ", _injector.Statistics.Failures));
    }

    internal delegate bool KernelSegment(in TcpSegment segment);

    private delegate void KernelSegmentHandler(in TcpSegment segment);

    /// <summary>Feeds the model up to a segment of the kernel that is as wanted.</summary>
    internal void FollowUntil(KernelSegment isWanted, string what)
    {
        bool isThere = false;
        Follow(() => isThere, (in TcpSegment segment) => isThere = isWanted(in segment), what);
    }

    /// <summary>Feeds the model until something is true, which is asked again and again.</summary>
    internal void FollowUntil(Func<bool> isTrue, string what) => Follow(isTrue, static (in TcpSegment _) => { }, what);

    internal void FollowUntilAcknowledged(long relative) => FollowUntil((in TcpSegment segment) => segment.Acknowledgment == Absolute(relative), $"the acknowledgment of {relative}");

    bool ITcpStreamConsumer.Wants(TcpEndpoint sender) => sender.Address.Port == OwnPort;

    void ITcpStreamConsumer.OnData(TcpEndpoint sender, CaptureTimestamp at, ReadOnlySpan<byte> data) => _followed.AddRange(data);

    void ITcpStreamConsumer.OnMissing(TcpEndpoint sender, CaptureTimestamp at, long length) => Assert.Fail($"{length} bytes are missing.");

    public void Dispose()
    {
        while (_owned.TryPop(out IDisposable? owned))
        {
            owned.Dispose();
        }
    }

    private void Follow(Func<bool> isOver, KernelSegmentHandler onSegment, string what)
    {
        long start = Stopwatch.GetTimestamp();
        var spin = default(SpinWait);
        while (!isOver())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TruthLab.Deadline, $"Waited {TruthLab.Deadline.TotalSeconds} s for: {what}.");
            if (!_capture.TryTake(out PacketLease? lease))
            {
                spin.SpinOnce();
                continue;
            }

            using (lease)
            {
                PacketView packet = lease.Packet.Parse();
                Tracker.Process(in packet, lease.Metadata.Timestamp, ++_number);
                if (packet.TryGetFlow(out FlowKey flow) && flow.Source.Address == _kernel && TcpSegment.TryCreate(in packet, out TcpSegment segment))
                {
                    onSegment(in segment);
                }
            }
        }
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Push(owned);
        return owned;
    }
}
