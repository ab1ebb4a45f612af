using System.Net;
using System.Net.Sockets;
using Interceptor.Capture.Injection;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Injection;

public sealed class RawIpInjectorTests
{
    [Theory]
    [InlineData(4, 0u, NetworkLab.ClientAddress)]
    [InlineData(4, 0x1CE5u, NetworkLab.ClientAddress)]
    [InlineData(6, 0u, NetworkLab.ClientAddressV6)]
    [InlineData(6, 0x1CE5u, NetworkLab.ClientAddressV6)]
    public void A_packet_reaches_a_local_socket_under_its_own_source_address(int version, uint mark, string local)
    {
        using NetworkLab lab = NetworkLab.Create();
        IPAddress address = IPAddress.Parse(local);
        using Socket receiver = lab.Client.Run(() => new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        receiver.ReceiveTimeout = 10_000;
        receiver.Bind(new IPEndPoint(address, 0));
        using RawIpInjector injector = lab.Client.Run(() => RawIpInjector.Open(version, mark));
        string source = version == 4 ? NetworkLab.ServerAddress : NetworkLab.ServerAddressV6;
        byte[] packet = Packet(version, source, local, (ushort)((IPEndPoint)receiver.LocalEndPoint!).Port);
        Assert.True(injector.Send(packet), string.Join(", ", injector.Statistics.Failures));
        byte[] buffer = new byte[16];
        EndPoint from = new IPEndPoint(version == 4 ? IPAddress.Any : IPAddress.IPv6Any, 0);
        int length = receiver.ReceiveFrom(buffer, ref from);
        Assert.Equal("reinjected"u8, buffer.AsSpan(0, length));
        Assert.Equal(new IPEndPoint(IPAddress.Parse(source), 40_000), from);
        Assert.Equal(1, injector.Statistics.SentPackets);
        Assert.Equal(packet.Length, injector.Statistics.SentBytes);
    }

    [Fact]
    public void What_can_not_be_sent_is_counted_with_its_reason()
    {
        using NetworkLab lab = NetworkLab.Create();
        using RawIpInjector injector = lab.Client.Run(() => RawIpInjector.Open(4, 0));
        Assert.False(injector.Send(Packet(6, NetworkLab.ClientAddressV6, NetworkLab.ServerAddressV6, 9)));
        Assert.False(injector.Send([0x45]));
        Assert.False(injector.Send(Packet(4, NetworkLab.ClientAddress, "192.0.2.1", 9)));
        InjectionStatistics statistics = injector.Statistics;
        Assert.Equal(0, statistics.SentPackets);
        Assert.Equal(3, statistics.FailedPackets);
        Assert.Contains(new InjectionFailure("no IPv4 packet", 2), statistics.Failures);
        Assert.Contains(statistics.Failures, static failure => failure.Reason.Contains("unreachable", StringComparison.OrdinalIgnoreCase));
    }

    private static byte[] Packet(int version, string source, string destination, ushort port)
    {
        _ = IpAddress.TryParse(source, out IpAddress from);
        _ = IpAddress.TryParse(destination, out IpAddress to);
        var builder = new PacketBuilder();
        builder = version == 4 ? builder.Ipv4(from, to) : builder.Ipv6(from, to);
        return builder.Udp(40_000, port).Payload("reinjected"u8).ToArray();
    }
}
