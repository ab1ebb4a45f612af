using System.Net;
using System.Net.Sockets;
using Interceptor.Capture.Live;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Tests.Live;

/// <summary>Packets made here, beside sockets of this process, which the kernel lists to anybody.</summary>
public sealed class OwnerPacketSelectorTests : IDisposable
{
    private static readonly IpAddress Loopback = IpAddress.FromIpv4(0x7F000001);
    private static readonly IpAddress Elsewhere = IpAddress.FromIpv4(0xCB007101);
    private static readonly IpAddress ElsewhereToo = IpAddress.FromIpv4(0xCB007102);

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly SocketOwnerWatch _watch;
    private readonly ushort _port;
    private readonly ushort _closedPort;

    public OwnerPacketSelectorTests()
    {
        _port = Bind(_socket);
        using (var closed = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp))
        {
            _closedPort = Bind(closed);
        }

        _watch = SocketOwnerWatch.Start([]);
    }

    public void Dispose()
    {
        _watch.Dispose();
        _socket.Dispose();
    }

    [Fact]
    public void A_packet_is_of_the_process_that_has_the_socket_at_one_of_its_ends()
    {
        OwnerPacketSelector selector = Selector(annotate: true, Environment.ProcessId);
        Assert.True(Selects(selector, Udp(Loopback, _port, Elsewhere, 9)));
        Assert.Matches($@"^from [^;]*\[{Environment.ProcessId}\][^;]* uid=\d+[^;]*$", selector.Comment);
        Assert.True(Selects(selector, Udp(Elsewhere, 9, Loopback, _port)));
        Assert.Matches($@"^to [^;]*\[{Environment.ProcessId}\][^;]* uid=\d+[^;]*$", selector.Comment);
        Assert.True(Selects(selector, Udp(Loopback, _port, Loopback, _port)));
        Assert.Matches(@"^from [^;]*; to [^;]*$", selector.Comment);
        Assert.Equal(0, selector.Unattributed);
    }

    [Fact]
    public void A_packet_of_another_owner_is_not_meant()
    {
        var selector = new OwnerPacketSelector(_watch, new SocketOwnerSelection([], [], [uint.MaxValue - 1], []), annotate: true);
        Assert.False(Selects(selector, Udp(Loopback, _port, Elsewhere, 9)));
        Assert.Equal(0, selector.Unattributed);
    }

    [Fact]
    public void A_packet_of_no_socket_is_counted_and_not_meant_where_an_owner_is_asked_for()
    {
        OwnerPacketSelector selector = Selector(annotate: false, Environment.ProcessId);
        Assert.False(Selects(selector, Udp(Loopback, _closedPort, Elsewhere, 9)));
        Assert.Equal(1, selector.Unattributed);
    }

    [Fact]
    public void Who_only_annotates_takes_every_packet()
    {
        OwnerPacketSelector selector = Selector(annotate: true);
        Assert.True(Selects(selector, Udp(Loopback, _closedPort, Elsewhere, 9)));
        Assert.Null(selector.Comment);
        Assert.Equal(1, selector.Unattributed);
        Assert.True(Selects(selector, Udp(Loopback, _port, Elsewhere, 9)));
        Assert.NotNull(selector.Comment);
    }

    [Fact]
    public void A_comment_does_not_stay_for_the_next_packet()
    {
        OwnerPacketSelector selector = Selector(annotate: true);
        Selects(selector, Udp(Loopback, _port, Elsewhere, 9));
        Selects(selector, new PacketBuilder().Ipv4(Loopback, Elsewhere).IcmpEcho(1, 1).ToArray());
        Assert.Null(selector.Comment);
    }

    [Fact]
    public void Without_annotating_there_is_no_comment()
    {
        OwnerPacketSelector selector = Selector(annotate: false, Environment.ProcessId);
        Assert.True(Selects(selector, Udp(Loopback, _port, Elsewhere, 9)));
        Assert.Null(selector.Comment);
    }

    [Fact]
    public void What_only_passes_by_has_no_owner_and_is_not_missed()
    {
        OwnerPacketSelector selector = Selector(annotate: true, Environment.ProcessId);
        Assert.False(Selects(selector, Udp(Elsewhere, _port, ElsewhereToo, _port)));
        Assert.False(Selects(selector, new PacketBuilder().Ipv4(Loopback, Elsewhere).IcmpEcho(1, 1).ToArray()));
        Assert.False(Selects(selector, [0x45]));
        Assert.Equal(0, selector.Unattributed);
    }

    [Fact]
    public void A_socket_that_was_opened_since_the_last_look_is_waited_for()
    {
        OwnerPacketSelector selector = Selector(annotate: false, Environment.ProcessId);
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        ushort listening = Bind(listener);
        listener.Listen();
        for (int i = 0; i < 5; i++)
        {
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            client.Connect(listener.LocalEndPoint!);
            var local = (ushort)((IPEndPoint)client.LocalEndPoint!).Port;
            byte[] opening = new PacketBuilder().Ipv4(Loopback, Loopback).Tcp(local, listening, new SequenceNumber(1), default, TcpFlags.Syn).ToArray();
            Assert.True(Selects(selector, opening));
        }

        Assert.Equal(0, selector.Unattributed);
    }

    private static ushort Bind(Socket socket)
    {
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (ushort)((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private static byte[] Udp(IpAddress source, ushort sourcePort, IpAddress destination, ushort destinationPort) =>
        new PacketBuilder().Ipv4(source, destination).Udp(sourcePort, destinationPort).Payload([1]).ToArray();

    private static bool Selects(OwnerPacketSelector selector, byte[] data) => selector.Selects(new CapturedPacket(data, new PacketMetadata
    {
        Timestamp = new CaptureTimestamp(Clock.RealtimeNanoseconds()),
        HasTimestamp = true,
        OriginalLength = data.Length,
        LinkType = LinkType.Raw,
    }));

    private OwnerPacketSelector Selector(bool annotate, params int[] pids) => new(_watch, pids.Length == 0 ? null : new SocketOwnerSelection(pids, [], [], []), annotate);
}
