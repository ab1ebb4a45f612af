using System.Text;
using Interceptor.Cli.Holding;
using Interceptor.Packets;
using Interceptor.Testing;
using static Interceptor.Tests.Intercept.Holding.HoldBench;

namespace Interceptor.Tests.Intercept.Holding;

public sealed class HoldControllerTests
{
    /// <summary>The protocol of --control: each line that comes, what it made happen, and its answer.</summary>
    [Fact]
    public void The_protocol_of_control_is_as_written_down()
    {
        var bench = new HoldBench();
        var text = new StringBuilder();
        var json = new HoldJson(new HoldWatch(null), () => bench.Now);
        var controller = new HoldController(bench.Queue, json);
        bench.Queue.Happened += happened =>
        {
            foreach (string line in json.Event(happened, bench.Queue.Limits))
            {
                text.Append(line).Append('\n');
            }
        };
        bench.Come(Segment(100, "GET /one"));
        bench.Come(Segment(108, "", TcpFlags.Ack | TcpFlags.Fin));
        bench.Now += 5 * Millisecond;
        bench.Come(Segment(100, "GET /one"));
        bench.Come(Datagram("question\u001b[2J"));
        bench.Come(Datagram("four"));
        bench.Come(Datagram("five"));
        bench.Come(Datagram("six"));
        bench.Come(Datagram("seven"));
        string[] commands =
        [
            """{"command":"list","tag":1}""",
            """{"command":"list","id":3,"bytes":true}""",
            """{"command":"edit","id":1,"payload":"GET /two","fields":{"ttl":9,"tcp.flags":"F."},"tag":"edit"}""",
            """{"command":"edit","id":3,"offset":28,"hex":"5141"}""",
            """{"command":"edit","id":1,"payload":"longer than it was"}""",
            """{"command":"duplicate","id":1}""",
            """{"command":"duplicate","id":1,"on":false}""",
            """{"command":"release","id":2}""",
            """{"command":"release","id":2}""",
            """{"command":"pause","tag":null}""",
            """{"command":"continue"}""",
            """{"command":"drop","id":3}""",
            """{"command":"release","until_id":4}""",
            """{"command":"release","until":"udp"}""",
            """{"command":"limits","packets":1,"on_packets":"drop-oldest","age_ms":1500}""",
            """{"command":"limits","on_age":"drop-newest"}""",
            """{"command":"release","count":5}""",
            """{"command":"release","all":true}""",
            """{"command":"drop","all":true}""",
            "no json",
            "[1]",
            """{"tag":{"a":[1]}}""",
            """{"command":"fly","tag":2}""",
            """{"command":"release"}""",
            """{"command":"release","id":1,"all":true}""",
            """{"command":"release","id":"one"}""",
            """{"command":"release","until":"tcp prt 80"}""",
            """{"command":"drop"}""",
            """{"command":"edit","id":1}""",
            """{"command":"edit","id":1,"hex":"00"}""",
            """{"command":"edit","id":1,"payload_hex":"0x"}""",
            """{"command":"list","idd":1}""",
            """{"command":"quit"}""",
        ];
        for (int i = 0; i < commands.Length; i++)
        {
            text.Append("\n> ").Append(commands[i]).Append('\n');
            string answer = controller.Answer(commands[i], i + 1);
            bench.Queue.Expire(bench.Now);
            text.Append(answer).Append('\n');
        }

        Assert.True(controller.HasQuit);
        GoldenFile.Verify("intercept/hold-control.txt", text.ToString());
    }

    [Fact]
    public void Any_line_gets_exactly_one_answer() => PropertyCheck.ForAllBytes(bytes =>
    {
        const string Pieces = "{}[]\":,listcommand release id all true 1-9.e edit fields";
        var bench = new HoldBench();
        bench.Come(Segment(100, "a"));
        var controller = new HoldController(bench.Queue, new HoldJson(new HoldWatch(null), () => 0));
        string line = string.Concat(bytes.Select(value => value < 220 ? Pieces[value % Pieces.Length] : (char)value));
        foreach (string command in new[] { line, $"{{\"command\":\"{line.Replace("\"", "", StringComparison.Ordinal)}\"}}", $"{{\"command\":\"edit\",\"id\":1,\"fields\":{line}}}" })
        {
            string answer = controller.Answer(command, 7);
            Assert.StartsWith("{\"type\":\"answer\"", answer, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', answer);
        }
    });
}
