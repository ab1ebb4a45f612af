using System.Net;
using System.Net.Sockets;
using Interceptor.Capture.Injection;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Injection;

public sealed class LinkInjectorTests
{
    private const int Packets = 1000;

    [Theory]
    [InlineData(64, false)]
    [InlineData(1, false)]
    [InlineData(64, true)]
    public void Packets_arrive_on_the_other_end_of_the_link(int batchSize, bool qdiscBypass)
    {
        using NetworkLab lab = NetworkLab.Create();
        using Socket receiver = Receiver(lab.Server, NetworkLab.ServerAddress);
        using LinkInjector injector = lab.Client.Run(() =>
            LinkInjector.Open(NetworkLab.ClientInterface, new LinkInjectorOptions { BatchSize = batchSize, QdiscBypass = qdiscBypass }));
        ushort port = (ushort)((IPEndPoint)receiver.LocalEndPoint!).Port;
        int bytes = 0;
        for (int i = 0; i < Packets; i++)
        {
            byte[] frame = Frame(port, i);
            bytes += frame.Length;
            injector.Write(Ethernet(frame));
        }

        injector.Flush();
        InjectionStatistics statistics = injector.Statistics;
        Assert.Equal(Packets, statistics.SentPackets);
        Assert.Equal(bytes, statistics.SentBytes);
        Assert.Equal(0, statistics.FailedPackets);
        byte[] buffer = new byte[2048];
        for (int i = 0; i < Packets; i++)
        {
            Assert.Equal(4, receiver.Receive(buffer));
            Assert.Equal(i, BitConverter.ToInt32(buffer));
        }
    }

    [Fact]
    public void What_waits_in_the_batch_is_sent_when_it_is_disposed()
    {
        using NetworkLab lab = NetworkLab.Create();
        using Socket receiver = Receiver(lab.Server, NetworkLab.ServerAddress);
        using (LinkInjector injector = lab.Client.Run(() => LinkInjector.Open(NetworkLab.ClientInterface)))
        {
            injector.Write(Ethernet(Frame((ushort)((IPEndPoint)receiver.LocalEndPoint!).Port, 7)));
            Assert.Equal(0, injector.Statistics.SentPackets);
        }

        Assert.Equal(4, receiver.Receive(new byte[16]));
    }

    [Fact]
    public void A_packet_that_the_kernel_refuses_is_counted_and_the_rest_goes_on()
    {
        using NetworkLab lab = NetworkLab.Create();
        using Socket receiver = Receiver(lab.Server, NetworkLab.ServerAddress);
        using LinkInjector injector = lab.Client.Run(() => LinkInjector.Open(NetworkLab.ClientInterface));
        ushort port = (ushort)((IPEndPoint)receiver.LocalEndPoint!).Port;
        injector.Write(Ethernet(Frame(port, 1)));
        injector.Write(Ethernet([.. Frame(port, 2), .. new byte[1600]]));
        injector.Write(Ethernet(new byte[5]));
        injector.Write(new CapturedPacket(new byte[40], new PacketMetadata { LinkType = LinkType.Raw, OriginalLength = 40 }));
        injector.Write(Ethernet(Frame(port, 3)));
        injector.Flush();
        InjectionStatistics statistics = injector.Statistics;
        Assert.Equal(2, statistics.SentPackets);
        Assert.Equal(3, statistics.FailedPackets);
        Assert.Equal(3, statistics.Failures.Sum(static failure => failure.Packets));
        Assert.Contains(statistics.Failures, static failure => failure.Reason.Contains("MTU", StringComparison.Ordinal));
        Assert.Contains(statistics.Failures, static failure => failure.Reason.Contains("link type Raw", StringComparison.Ordinal));
        byte[] buffer = new byte[16];
        receiver.Receive(buffer);
        Assert.Equal(1, BitConverter.ToInt32(buffer));
        receiver.Receive(buffer);
        Assert.Equal(3, BitConverter.ToInt32(buffer));
    }

    [Fact]
    public void An_interface_that_is_not_there_is_refused_with_those_that_are()
    {
        using NetworkLab lab = NetworkLab.Create();
        LinuxException exception = lab.Client.Run(() => Assert.Throws<LinuxException>(() => LinkInjector.Open("nowhere0")));
        Assert.Equal(Errno.ENODEV, exception.Errno);
        Assert.Contains("interface nowhere0", exception.Message, StringComparison.Ordinal);
        Assert.Contains($"Interfaces here: lo, {NetworkLab.ClientInterface}.", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_interface_that_goes_away_is_an_error()
    {
        NetworkLab lab = NetworkLab.Create();
        LinkInjector injector = lab.Client.Run(() => LinkInjector.Open(NetworkLab.ClientInterface));
        lab.Dispose();
        injector.Write(Ethernet(Frame(9, 1)));
        LinuxException exception = Assert.Throws<LinuxException>(injector.Flush);
        Assert.Contains(NetworkLab.ClientInterface, exception.Message, StringComparison.Ordinal);
        Assert.Equal(1, injector.Statistics.FailedPackets);
        injector.Dispose();
    }

    private static Socket Receiver(NetworkNamespace where, string address)
    {
        Socket socket = where.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        socket.ReceiveBufferSize = 1 << 22;
        socket.ReceiveTimeout = 10_000;
        socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
        return socket;
    }

    private static byte[] Frame(ushort port, int payload) => new PacketBuilder()
        .Ethernet(MacAddress.FromBits(0x0200_0000_0001), MacAddress.Broadcast)
        .Ipv4(Address(NetworkLab.ClientAddress), Address(NetworkLab.ServerAddress))
        .Udp(40_000, port)
        .Payload(BitConverter.GetBytes(payload))
        .ToArray();

    private static CapturedPacket Ethernet(byte[] frame) =>
        new(frame, new PacketMetadata { LinkType = LinkType.Ethernet, OriginalLength = frame.Length });

    private static IpAddress Address(string text) => IpAddress.TryParse(text, out IpAddress address) ? address : throw new FormatException(text);
}
