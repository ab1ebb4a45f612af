using System.Text;
using Interceptor.Capture;
using Interceptor.Capture.Intercept;
using Interceptor.Packets;

namespace Interceptor.Tests.Intercept;

public sealed class ImpairmentScheduleTests
{
    private const string Header = """{"type":"schedule","version":1,"super_packets":false}""";

    [Theory]
    [InlineData("", "empty")]
    [InlineData("{}", "line 1")]
    [InlineData("not json", "line 1")]
    [InlineData("""{"type":"decision","flow":0,"direction":0,"hook":"input","packet":1}""", "version 1")]
    [InlineData("""{"type":"schedule","version":2,"super_packets":false}""", "version 1")]
    [InlineData(Header + "\n" + """{"type":"packet"}""", "line 2")]
    [InlineData(Header + "\n" + """{"type":"decision","flow":0,"direction":2,"hook":"input","packet":1}""", "0 or 1")]
    [InlineData(Header + "\n" + """{"type":"decision","flow":0,"direction":0,"hook":"input","packet":0}""", "from 1")]
    [InlineData(Header + "\n" + """{"type":"decision","flow":0,"direction":0,"hook":"sideways","packet":1}""", "no such hook")]
    [InlineData(Header + "\n" + """{"type":"decision","flow":-1,"direction":0,"hook":"input","packet":1}""", "flow is no number")]
    [InlineData(Header + "\n" + """{"type":"decision","direction":0,"hook":"input","packet":1}""", "lacks flow")]
    [InlineData(Header + "\n" + """{"type":"decision","flow":0,"direction":0,"hook":"input","packet":1,"drop":"yes"}""", "line 2")]
    [InlineData(Header + "\n" + """{"type":"decision","flow":0,"direction":0,"hook":"input","packet":1,"corrupt_bit":4294967296}""", "corrupt_bit is no number")]
    [InlineData(Header + "\n" + """{"type":"decision","flow":0,"direction":0,"hook":"input","packet":1,"delay_ns":9223372036854775807}""", "delay_ns is no number")]
    public void What_is_no_schedule_is_refused_with_its_line(string text, string expected)
    {
        CaptureFileException refused = Assert.Throws<CaptureFileException>(() => ImpairmentSchedule.Read(new StringReader(text), "plan"));
        Assert.StartsWith("plan: ", refused.Message, StringComparison.Ordinal);
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_decisions_about_one_packet_are_refused()
    {
        const string Decision = """{"type":"decision","flow":0,"direction":0,"hook":"input","packet":1,"drop":true}""";
        CaptureFileException refused = Assert.Throws<CaptureFileException>(() => ImpairmentSchedule.Read(new StringReader($"{Header}\n{Decision}\n{Decision}\n"), "plan"));
        Assert.Contains("line 3", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_written_is_decided_again_for_the_same_packets()
    {
        var impairments = new Impairments(new ImpairmentOptions
        {
            Loss = 0.1,
            Delay = TimeSpan.FromMilliseconds(5),
            Jitter = TimeSpan.FromMilliseconds(5),
            Duplicate = 0.1,
            Reorder = 0.1,
            Corrupt = 0.1,
            Seed = 3,
        });
        using var file = new MemoryStream();
        using var writer = new ImpairmentScheduleWriter(file);
        writer.Begin(superPackets: false);
        var random = new Random(4);
        var decided = new List<(FlowKey Flow, FirewallHook Hook, ImpairmentDecision Decision)>();
        for (int i = 0; i < 20_000; i++)
        {
            FlowKey flow = Flow(random.Next(30));
            flow = random.Next(2) == 0 ? flow : flow.Reversed;
            FirewallHook hook = random.Next(2) == 0 ? FirewallHook.Input : FirewallHook.Output;
            PacketLane lane = impairments.FindLane(in flow, hook);
            ImpairmentDecision decision = impairments.Decide(lane, default);
            writer.Write(lane, in flow, in decision);
            decided.Add((flow, hook, decision with { CorruptBit = decision.Corrupt ? decision.CorruptBit : 0 }));
        }

        writer.Flush();
        string text = Encoding.UTF8.GetString(file.ToArray());
        ImpairmentSchedule schedule = ImpairmentSchedule.Read(new StringReader(text), "plan");
        Assert.False(schedule.HasSuperPackets);
        Assert.Equal(writer.Count, schedule.Count);
        Assert.Equal(30, text.Split("\"type\":\"flow\"").Length - 1);

        // Another run: other ports, the same order.
        var places = new Impairments(new ImpairmentOptions());
        foreach ((FlowKey flow, FirewallHook hook, ImpairmentDecision decision) in decided)
        {
            var moved = new FlowKey(flow.Source with { Port = (ushort)(flow.Source.Port + 7) }, flow.Destination with { Port = (ushort)(flow.Destination.Port + 7) }, flow.Protocol);
            PacketLane lane = places.FindLane(in moved, hook);
            Assert.Equal(decision, schedule.Find(lane, ++lane.Packets));
        }
    }

    private static FlowKey Flow(int index) => new(
        new FlowEndpoint(IpAddress.FromIpv4(0x0A000001), (ushort)(40000 + index)), new FlowEndpoint(IpAddress.FromIpv4(0x0A000002), 80), IpProtocol.Tcp);
}
