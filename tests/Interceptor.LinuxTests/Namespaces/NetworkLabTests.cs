using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Interceptor.Interop;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Namespaces;

public sealed class NetworkLabTests
{
    [Theory]
    [InlineData(NetworkLab.ServerAddress)]
    [InlineData(NetworkLab.ServerAddressV6)]
    public void A_connection_crosses_the_link_at_once(string address)
    {
        using NetworkLab lab = NetworkLab.Create();
        IPAddress server = IPAddress.Parse(address);
        using Socket listener = lab.Server.Run(() => new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(server, 0));
        listener.Listen();
        using Socket client = lab.Client.Run(() => new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        client.Connect(listener.LocalEndPoint!);
        using Socket accepted = listener.Accept();
        client.Send("across"u8);
        client.Shutdown(SocketShutdown.Send);
        byte[] buffer = new byte[16];
        Assert.Equal(6, accepted.Receive(buffer));
        Assert.Equal(0, accepted.Receive(buffer));
    }

    [Fact]
    public void Loopback_works_inside()
    {
        using NetworkLab lab = NetworkLab.Create();
        using Socket listener = lab.Client.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using Socket client = lab.Client.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        client.Connect(listener.LocalEndPoint!);
        Assert.True(client.Connected);
    }

    [Fact]
    public void The_link_goes_with_the_lab()
    {
        NetworkLab lab = NetworkLab.Create();
        using NetworkNamespace client = NetworkNamespace.Open(lab.Client.Path);
        Assert.Contains(NetworkLab.ClientInterface, InterfacesOf(client), StringComparison.Ordinal);
        lab.Dispose();
        Assert.DoesNotContain(NetworkLab.ClientInterface, InterfacesOf(client), StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_in_use_is_refused_with_the_kernels_reason()
    {
        using NetworkLab lab = NetworkLab.Create();
        LinuxException exception = Assert.Throws<LinuxException>(() =>
            VethLink.Create(lab.Client, NetworkLab.ClientInterface, "10.78.0.1/24", lab.Server, "other0", "10.78.0.2/24"));
        Assert.Equal(17, exception.Errno);
        Assert.Contains("client0 and other0", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_interface_that_does_not_exist_is_named()
    {
        using NetworkNamespace network = KernelTest.CreateNamespace("empty");
        LinuxException exception = Assert.Throws<LinuxException>(() => network.Run(() =>
        {
            using RouteNetlink netlink = RouteNetlink.Open();
            return netlink.InterfaceIndex("nothing0");
        }));
        Assert.Equal(19, exception.Errno);
        Assert.Contains("interface nothing0", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_mtu_can_be_set()
    {
        using NetworkLab lab = NetworkLab.Create();
        lab.Client.Run(() =>
        {
            using RouteNetlink netlink = RouteNetlink.Open();
            netlink.SetMtu(netlink.InterfaceIndex(NetworkLab.ClientInterface), 1280);
        });
        int mtu = lab.Client.Run(() => NetworkInterface.GetAllNetworkInterfaces()
            .Single(network => network.Name == NetworkLab.ClientInterface).GetIPProperties().GetIPv4Properties()!.Mtu);
        Assert.Equal(1280, mtu);
    }

    private static string InterfacesOf(NetworkNamespace network) => network.Run(() => File.ReadAllText("/proc/thread-self/net/dev"));
}
