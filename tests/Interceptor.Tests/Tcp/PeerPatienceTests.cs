using Interceptor.Tcp;

namespace Interceptor.Tests.Tcp;

public sealed class PeerPatienceTests
{
    /// <summary>924.6 s is what the kernel's documentation gives for tcp_retries2 of 15 (networking/ip-sysctl).</summary>
    [Theory]
    [InlineData(200, 15, 924_600, 15)]
    [InlineData(204, 3, 3060, 3)]
    [InlineData(204, 1, 612, 1)]
    [InlineData(10, 0, 200, 0)]
    [InlineData(3000, 3, 3000, 0)]
    public void The_peer_gives_up_at_the_timeout_that_the_kernel_reckons_with(int timeoutMilliseconds, int retries, int givesUp, int retransmissions)
    {
        var patience = PeerPatience.Estimate(TimeSpan.FromMilliseconds(timeoutMilliseconds), retries);
        Assert.Equal(TimeSpan.FromMilliseconds(Math.Max(timeoutMilliseconds, 200)), patience.RetransmitsAfter);
        Assert.Equal(TimeSpan.FromMilliseconds(givesUp), patience.GivesUpAfter);
        Assert.Equal(retransmissions, patience.Retransmissions);
    }

    [Fact]
    public void A_slow_path_backs_off_to_two_minutes_and_no_further()
    {
        var patience = PeerPatience.Estimate(TimeSpan.FromSeconds(100), 15);
        Assert.Equal(TimeSpan.FromSeconds(100 + (7 * 120)), patience.GivesUpAfter);
        Assert.Equal(7, patience.Retransmissions);
    }
}
