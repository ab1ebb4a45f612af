using Interceptor.Capture.Live;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Live;

public sealed class SocketOwnerTableTests : IDisposable
{
    private const long Second = 1_000_000_000;
    private readonly NetworkLab _lab = NetworkLab.Create();
    private readonly SocketOwnerTable _table;
    private long _now = Clock.MonotonicNanoseconds();

    public SocketOwnerTableTests() => _table = _lab.Client.Run(SocketOwnerTable.Open);

    public void Dispose()
    {
        _table.Dispose();
        _lab.Dispose();
    }

    [Fact]
    public void Both_ends_of_a_connection_on_one_machine_have_their_processes()
    {
        using var server = new PythonPeer(_lab.Client);
        using var client = new PythonPeer(_lab.Client);
        FlowEndpoint listening = End("127.0.0.1", server.Listen());
        FlowEndpoint connected = End("127.0.0.1", client.Connect("127.0.0.1", listening.Port));

        // Not accepted: no descriptor names it yet, and the listening socket answers for it.
        Refresh();
        Assert.Equal(client.Pid, Find(connected, listening)?.Process?.Pid);
        Assert.Equal(server.Pid, Find(listening, connected)?.Process?.Pid);
        server.Tell("c, _ = s.accept(); s.close()");
        Refresh();
        SocketOwnerInfo? owner = Find(listening, connected);
        Assert.Equal(server.Pid, owner?.Process?.Pid);
        Assert.Equal(Libc.geteuid(), owner?.Uid);
        Assert.StartsWith("python3", owner?.Process?.Name, StringComparison.Ordinal);
        Assert.StartsWith($"{owner?.Process?.Name}[{server.Pid}] uid={Libc.geteuid()}", owner?.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0.0.0.0", "127.0.0.1", true)]
    [InlineData("0.0.0.0", NetworkLab.ClientAddress, true)]
    [InlineData("0.0.0.0", "224.0.0.251", true)]
    [InlineData("0.0.0.0", "192.0.2.1", false)]
    [InlineData("0.0.0.0", NetworkLab.ServerAddress, false)]
    [InlineData("0.0.0.0", NetworkLab.ClientAddressV6, false)]
    [InlineData("::", NetworkLab.ClientAddressV6, true)]
    [InlineData("::", NetworkLab.ClientAddress, true)]
    [InlineData("::", "192.0.2.1", false)]
    [InlineData("127.0.0.1", "127.0.0.1", true)]
    [InlineData("127.0.0.1", NetworkLab.ClientAddress, false)]
    public void A_socket_bound_to_any_address_takes_what_is_for_this_machine_and_no_more(string bound, string asked, bool found)
    {
        using var peer = new PythonPeer(_lab.Client);
        ushort port = peer.BindUdp(bound);
        Refresh();
        SocketOwnerInfo? owner = Find(End(asked, port), End("198.51.100.7", 4000), IpProtocol.Udp);
        Assert.Equal(found ? peer.Pid : null, owner?.Process?.Pid);
        Assert.Null(Find(End(asked, port), End("198.51.100.7", 4000), IpProtocol.Tcp));
    }

    [Fact]
    public void A_socket_for_IPv6_only_takes_no_IPv4()
    {
        using var peer = new PythonPeer(_lab.Client);
        ushort port = ushort.Parse(
            peer.Tell("s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1); s.bind(('::', 0)); answer = s.getsockname()[1]"), null);
        Refresh();
        Assert.Null(Find(End("127.0.0.1", port), End("127.0.0.1", 1), IpProtocol.Udp));
        Assert.Equal(peer.Pid, Find(End("::1", port), End("::1", 1), IpProtocol.Udp)?.Process?.Pid ?? Find(End(NetworkLab.ClientAddressV6, port), End("::1", 1), IpProtocol.Udp)?.Process?.Pid);
    }

    [Fact]
    public void A_closed_connection_is_remembered_for_a_minute()
    {
        using var server = new PythonPeer(_lab.Client);
        using var client = new PythonPeer(_lab.Client);
        FlowEndpoint listening = End("127.0.0.1", server.Listen());
        FlowEndpoint connected = End("127.0.0.1", client.Connect("127.0.0.1", listening.Port));
        Refresh();
        client.Tell("s.close()");
        Refresh(after: Second);
        Assert.Equal(client.Pid, Find(connected, listening)?.Process?.Pid);
        Refresh(after: 59 * Second);
        Assert.Equal(client.Pid, Find(connected, listening)?.Process?.Pid);
        Refresh(after: 2 * Second);
        Assert.Null(Find(connected, listening));
    }

    [Fact]
    public void Ends_that_another_process_takes_over_are_then_its_own()
    {
        using var first = new PythonPeer(_lab.Client);
        using var second = new PythonPeer(_lab.Client);
        ushort port = first.BindUdp();
        Refresh();
        Assert.Equal(first.Pid, Find(End("127.0.0.1", port), default, IpProtocol.Udp)?.Process?.Pid);
        first.Tell("s.close()");
        Assert.Equal(port, second.BindUdp(port: port));
        Refresh();
        Assert.Equal(second.Pid, Find(End("127.0.0.1", port), default, IpProtocol.Udp)?.Process?.Pid);
    }

    [Fact]
    public void A_socket_that_several_processes_have_lists_them_all()
    {
        using var peer = new PythonPeer(_lab.Client);
        ushort port = peer.BindUdp();
        int child = int.Parse(peer.Tell("r, w = os.pipe(); answer = os.fork(); answer or os.read(r, 1)"), null);
        Refresh();
        SocketOwnerInfo? owner = Find(End("127.0.0.1", port), default, IpProtocol.Udp);
        Assert.Equal([peer.Pid, child], owner?.Processes.Select(static process => process.Pid).Order());
        Assert.Contains("]+1 ", owner!.ToString(), StringComparison.Ordinal);
        Assert.True(new SocketOwnerSelection([child], [], [], []).Includes(owner));
    }

    [Fact]
    public void Sockets_that_share_a_port_are_of_all_their_processes_and_the_closed_one_is_dropped()
    {
        const string Shared = "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1); s.bind(('127.0.0.1', {0})); answer = s.getsockname()[1]";
        using var first = new PythonPeer(_lab.Client);
        using var second = new PythonPeer(_lab.Client);
        ushort port = ushort.Parse(first.Tell(Shared.Replace("{0}", "0", StringComparison.Ordinal)), null);
        second.Tell(Shared.Replace("{0}", $"{port}", StringComparison.Ordinal));
        Refresh();
        int[] both = [.. new[] { first.Pid, second.Pid }.Order()];
        Assert.Equal(both, Find(End("127.0.0.1", port), default, IpProtocol.Udp)?.Processes.Select(static process => process.Pid));
        first.Tell("s.close()");
        Refresh();
        Assert.Equal([second.Pid], Find(End("127.0.0.1", port), default, IpProtocol.Udp)?.Processes.Select(static process => process.Pid));
    }

    [Fact]
    public void Sockets_of_another_namespace_are_not_in_it()
    {
        using var peer = new PythonPeer(_lab.Server);
        ushort port = peer.BindUdp("0.0.0.0");
        Refresh();
        Assert.Null(Find(End("127.0.0.1", port), default, IpProtocol.Udp));
    }

    [Fact]
    public void Looking_up_allocates_nothing()
    {
        using var peer = new PythonPeer(_lab.Client);
        FlowEndpoint bound = End("127.0.0.1", peer.BindUdp());
        FlowEndpoint other = End("127.0.0.1", 9);
        Refresh();
        int found = 0;
        for (int i = 0; i < 2000; i++)
        {
            found += _table.TryFind(bound, other, IpProtocol.Udp, out _) ? 1 : 0;
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            found += _table.TryFind(bound, other, IpProtocol.Udp, out _) | _table.TryFind(other, bound, IpProtocol.Udp, out _) ? 1 : 0;
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(3000, found);
    }

    private static FlowEndpoint End(string address, int port)
    {
        Assert.True(IpAddress.TryParse(address, out IpAddress parsed));
        return new FlowEndpoint(parsed, (ushort)port);
    }

    private void Refresh(long after = Second)
    {
        _now += after;
        _table.Refresh(_now);
    }

    private SocketOwnerInfo? Find(FlowEndpoint local, FlowEndpoint peer, byte protocol = IpProtocol.Tcp) =>
        _table.TryFind(local, peer, protocol, out SocketOwnerInfo? owner) ? owner : null;
}
