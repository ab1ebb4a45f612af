using Interceptor.Cli.Demo;

namespace Interceptor.Tests.Demo;

public sealed class TcpCountersTests
{
    [Fact]
    public void Counters_are_found_by_their_names()
    {
        TcpCounters counters = TcpCounters.Parse(
        [
            "Ip: Forwarding DefaultTTL", "Ip: 1 64",
            "Tcp: RtoAlgorithm EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts", "Tcp: 1 4 7 100 200 5 0 6",
            "Udp: InDatagrams", "Udp: 1",
        ]);
        Assert.Equal(new TcpCounters(5, 6, 4), counters);
    }

    [Fact]
    public void A_difference_is_counter_by_counter() =>
        Assert.Equal(new TcpCounters(1, 2, 3), new TcpCounters(11, 12, 13) - new TcpCounters(10, 10, 10));

    [Fact]
    public void A_missing_counter_is_named()
    {
        DemoException exception = Assert.Throws<DemoException>(() => TcpCounters.Parse(["Tcp: RetransSegs", "Tcp: 1"]));
        Assert.Contains("OutRsts", exception.Message, StringComparison.Ordinal);
    }
}
