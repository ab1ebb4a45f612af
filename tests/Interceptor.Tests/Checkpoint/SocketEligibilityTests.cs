using Interceptor.Checkpoint;
using Interceptor.Tcp;

namespace Interceptor.Tests.Checkpoint;

/// <summary>What kernels tell that the tests' kernel has no way to make: without CONFIG_TLS no socket gets an upper layer.</summary>
public sealed class SocketEligibilityTests
{
    [Theory]
    [InlineData("tls", "ktls")]
    [InlineData("mptcp", "mptcp")]
    [InlineData("espintcp", "upper-layer")]
    [InlineData("smc", "upper-layer")]
    public void What_the_kernel_runs_on_a_connection_stands_in_the_way(string name, string code)
    {
        CheckpointObstacle obstacle = SocketEligibility.OfUpperLayer(name)!;
        Assert.Equal((code, false), (obstacle.Code, obstacle.IsLoss));
    }

    [Fact]
    public void Without_an_upper_layer_nothing_stands_in_the_way() => Assert.Null(SocketEligibility.OfUpperLayer(""));

    [Theory]
    [InlineData(TcpState.SynReceived)]
    [InlineData(TcpState.TimeWait)]
    [InlineData(TcpState.Closed)]
    public void A_state_that_no_process_has_is_refused_with_what_to_do_instead(TcpState state)
    {
        CheckpointObstacle obstacle = SocketEligibility.OfState(state)!;
        Assert.Contains(state.ToRfcName(), obstacle.Reason, StringComparison.Ordinal);
        Assert.NotEmpty(obstacle.Remedy);
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(1, "1 connection waits to be accepted")]
    [InlineData(3, "3 connections wait to be accepted")]
    public void Connections_in_an_accept_queue_are_counted(int waiting, string? reason)
    {
        CheckpointObstacle? obstacle = SocketEligibility.OfAcceptQueue((uint)waiting);
        Assert.Equal(reason is null, obstacle is null);
        Assert.StartsWith(reason ?? "", obstacle?.Reason ?? "", StringComparison.Ordinal);
    }
}
