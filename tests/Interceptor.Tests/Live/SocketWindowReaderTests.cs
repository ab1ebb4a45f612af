using System.Net;
using System.Net.Sockets;
using Interceptor.Capture.Live;
using Interceptor.Packets;

namespace Interceptor.Tests.Live;

/// <summary>Beside connections of this process, of which the kernel tells anybody.</summary>
public sealed class SocketWindowReaderTests
{
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public void Both_ends_of_a_connection_tell_the_same(string address)
    {
        IPAddress local = IPAddress.Parse(address);
        Assert.SkipUnless(local.AddressFamily == AddressFamily.InterNetwork || Socket.OSSupportsIPv6, "There is no IPv6.");
        using var listener = new Socket(local.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.ReceiveBufferSize = 4 << 20;
        listener.Bind(new IPEndPoint(local, 0));
        listener.Listen();
        using var client = new Socket(local.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        client.ReceiveBufferSize = 4096;
        client.Connect(listener.LocalEndPoint!);
        using Socket server = listener.Accept();
        using SocketWindowReader reader = SocketWindowReader.Open();
        FlowEndpoint here = End(client.LocalEndPoint!);
        FlowEndpoint there = End(client.RemoteEndPoint!);
        Assert.True(reader.TryFind(here, there, out SocketWindows ofClient));
        Assert.True(reader.TryFind(there, here, out SocketWindows ofServer));
        Assert.Equal((ofClient.OwnShift, ofClient.PeerShift), (ofServer.PeerShift, ofServer.OwnShift));
        Assert.True(ofClient.PeerShift > ofClient.OwnShift, $"{ofClient}");
        Assert.InRange(ofClient.SegmentLength, 500, 65_535);
        Assert.InRange(ofClient.PeerSegmentLength, ofServer.SegmentLength, 65_535);
    }

    [Fact]
    public void Of_a_connection_that_there_is_not_nothing_is_told()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        FlowEndpoint listening = End(listener.LocalEndPoint!);
        using SocketWindowReader reader = SocketWindowReader.Open();
        Assert.False(reader.TryFind(listening, listening with { Port = 9 }, out _));
        Assert.False(reader.TryFind(listening with { Port = 9 }, listening, out _));
    }

    private static FlowEndpoint End(EndPoint end) => new(IpAddress.FromBytes(((IPEndPoint)end).Address.GetAddressBytes()), (ushort)((IPEndPoint)end).Port);
}
