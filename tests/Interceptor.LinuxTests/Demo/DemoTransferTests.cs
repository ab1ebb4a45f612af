using Interceptor.Cli.Demo;
using Interceptor.Cli.Demo.Peers;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Demo;

public sealed class DemoTransferTests
{
    private const long Bytes = 4 * 1024 * 1024;

    [Fact]
    public void Without_a_move_both_directions_arrive_whole()
    {
        KernelTest.CreateNamespace("probe").Dispose();
        using DemoNetwork network = DemoNetwork.Create();
        using DemoPeers peers = DemoPeers.Start(network, Bytes, CancellationToken.None);
        peers.AwaitFullFlow(CancellationToken.None);
        (TransferResult client, TransferResult server) = peers.AwaitResults(peers.Server, CancellationToken.None);
        Assert.Equal(Bytes, client.ReceivedBytes);
        Assert.Equal(Bytes, server.ReceivedBytes);
        Assert.Equal(client.SentSha256, server.ReceivedSha256);
        Assert.Equal(server.SentSha256, client.ReceivedSha256);
        Assert.NotEqual(client.SentSha256, client.ReceivedSha256);
    }

    [Fact]
    public void A_killed_server_without_a_successor_is_noticed()
    {
        KernelTest.CreateNamespace("probe").Dispose();
        using DemoNetwork network = DemoNetwork.Create();
        using DemoPeers peers = DemoPeers.Start(network, Bytes, CancellationToken.None);
        peers.AwaitFullFlow(CancellationToken.None);
        peers.Server.Kill();
        DemoException exception = Assert.Throws<DemoException>(() => peers.AwaitResults(peers.Server, CancellationToken.None));
        Assert.Contains("client failed", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Processes_and_files_go_with_the_peers()
    {
        KernelTest.CreateNamespace("probe").Dispose();
        using DemoNetwork network = DemoNetwork.Create();
        DemoPeers peers = DemoPeers.Start(network, Bytes, CancellationToken.None);
        int[] processes = [peers.Client.Pid, peers.Server.Pid, peers.NewServer.Pid];
        string directory = Path.GetDirectoryName(peers.ImageDirectory)!;
        Assert.True(Directory.Exists(directory));
        peers.Dispose();
        Assert.False(Directory.Exists(directory));
        Assert.DoesNotContain(processes, pid => Directory.Exists($"/proc/{pid}"));
    }
}
