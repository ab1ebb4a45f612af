using Interceptor.Capture.Intercept;
using Interceptor.Packets;

namespace Interceptor.Tests.Intercept;

public sealed class RateLinksTests
{
    private const long Second = 1_000_000_000;

    [Theory]
    [InlineData(1_000_000, 1500)]
    [InlineData(3, 1)]
    [InlineData(7_777_777, 77)]
    [InlineData(100_000_000_000, 40)]
    public void Packets_without_a_pause_pass_at_the_rate_exactly(long rate, int bytes)
    {
        const int Count = 10_000;
        var links = new RateLinks(new ImpairmentOptions { Rate = rate, RateLimit = Count });
        long through = 0;
        for (int i = 0; i < Count; i++)
        {
            Assert.True(Admit(links, 1, bytes, Second, out through));
        }

        Assert.Equal(Second + (long)((Int128)Count * bytes * 8 * Second / rate), through);
    }

    [Fact]
    public void A_pause_is_not_made_up_for()
    {
        var links = new RateLinks(new ImpairmentOptions { Rate = 8000 });
        Assert.True(Admit(links, 1, 1000, 0, out long first));
        Assert.True(Admit(links, 1, 1000, 10 * Second, out long second));
        Assert.Equal((Second, 11 * Second), (first, second));
    }

    [Fact]
    public void Beyond_the_limit_of_those_that_wait_packets_are_refused_until_one_is_through()
    {
        var links = new RateLinks(new ImpairmentOptions { Rate = 8000, RateLimit = 3 });
        bool[] admitted = [.. Enumerable.Range(0, 5).Select(_ => Admit(links, 1, 1000, 0, out long _))];
        Assert.Equal([true, true, true, true, false], admitted);
        Assert.False(Admit(links, 1, 1000, Second - 1, out _));
        Assert.True(Admit(links, 1, 1000, Second, out long through));
        Assert.Equal(5 * Second, through);
    }

    [Theory]
    [InlineData(RateScope.Link, 2)]
    [InlineData(RateScope.Connection, 1)]
    public void Connections_share_a_link_or_have_one_each(RateScope scope, int secondThrough)
    {
        var links = new RateLinks(new ImpairmentOptions { Rate = 8000, RateScope = scope });
        Assert.True(Admit(links, 1, 1000, 0, out long first));
        Assert.True(Admit(links, 2, 1000, 0, out long second));
        Assert.Equal((Second, secondThrough * Second), (first, second));
    }

    [Fact]
    public void Hooks_devices_and_directions_of_a_connection_are_links_of_their_own()
    {
        var shared = new RateLinks(new ImpairmentOptions { Rate = 8000 });
        Assert.True(shared.TryAdmit(Flow(1), FirewallHook.Input, 1, 1000, 0, out long input));
        Assert.True(shared.TryAdmit(Flow(1), FirewallHook.Output, 1, 1000, 0, out long output));
        Assert.True(shared.TryAdmit(Flow(1), FirewallHook.Output, 2, 1000, 0, out long device));
        Assert.Equal((Second, Second, Second), (input, output, device));
        var own = new RateLinks(new ImpairmentOptions { Rate = 8000, RateScope = RateScope.Connection });
        Assert.True(own.TryAdmit(Flow(1), FirewallHook.Forward, 1, 1000, 0, out long forth));
        Assert.True(own.TryAdmit(Flow(1).Reversed, FirewallHook.Forward, 2, 1000, 0, out long back));
        Assert.Equal((Second, Second), (forth, back));
    }

    [Fact]
    public void Links_beyond_the_limit_share_one()
    {
        var links = new RateLinks(new ImpairmentOptions { Rate = 8000, RateScope = RateScope.Connection });
        for (int i = 0; i < RateLinks.MaxLinks; i++)
        {
            Assert.True(Admit(links, i, 1000, 0, out long through));
            Assert.Equal(Second, through);
        }

        Assert.True(Admit(links, RateLinks.MaxLinks, 1000, 0, out _));
        Assert.True(Admit(links, RateLinks.MaxLinks + 1, 1000, 0, out long shared));
        Assert.Equal(2 * Second, shared);
    }

    private static bool Admit(RateLinks links, int flow, int bytes, long now, out long through) =>
        links.TryAdmit(Flow(flow), FirewallHook.Output, 1, bytes, now, out through);

    private static FlowKey Flow(int index) => new(
        new FlowEndpoint(IpAddress.FromIpv4(0x0A000000u + (uint)index), 1025), new FlowEndpoint(IpAddress.FromIpv4(0xC0000201), 80), IpProtocol.Tcp);
}
