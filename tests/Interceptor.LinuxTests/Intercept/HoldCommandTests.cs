using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Intercept;

/// <summary>Held TCP connections between two namespaces; the tool works in the server's.</summary>
public sealed class HoldCommandTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly NetworkLab _lab = NetworkLab.Create();
    private readonly Socket _listener;
    private readonly int _port;

    public HoldCommandTests()
    {
        KernelTest.RequireTool("iptables");
        _listener = _lab.Server.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        _listener.Bind(new IPEndPoint(IPAddress.Parse(NetworkLab.ServerAddress), 0));
        _listener.Listen();
        _port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
    }

    public void Dispose()
    {
        _listener.Dispose();
        _lab.Dispose();
    }

    [Fact]
    public void Retransmissions_of_what_is_held_are_one_item_and_its_release_sends_one_packet()
    {
        using var tool = new HoldTool(_lab.Server, "--hold-when", "payload~\"hello\"", $"tcp port {_port}");
        (Socket client, Socket server) = Connect();

        // 20 bytes of IP, 32 of TCP with timestamps, 5 of text; behind mangle, where the tool's rules are.
        Iptables("-t", "filter", "-A", "INPUT", "-p", "tcp", "--dport", $"{_port}", "-m", "length", "--length", "57");
        client.Send("hello"u8);
        JsonElement copied = tool.AwaitEvent("copied", line => Number(line, "copies") == 3);
        JsonElement list = tool.Tell("\"command\":\"list\"");
        JsonElement item = Assert.Single(list.GetProperty("items").EnumerateArray());
        Assert.Equal(Number(copied, "id"), Number(item, "id"));
        Assert.Equal(0, server.Available);
        Assert.Equal(1, Number(tool.Tell($"\"command\":\"release\",\"id\":{Number(item, "id")}"), "released"));
        Assert.Equal("hello", Receive(server, 5));
        client.Send("again"u8);
        Assert.Equal("again", Receive(server, 5));
        Assert.Equal(2, Counted());
        JsonElement summary = tool.End();
        Assert.True(Number(summary, "dropped") >= 3);
        Assert.Equal((1, 1 + Number(summary, "dropped")), (Number(summary, "released"), Number(summary, "held")));
        Assert.Equal(Number(summary, "received"), Number(summary, "accepted") + Number(summary, "dropped"));
        client.Dispose();
        server.Dispose();
    }

    /// <summary>
    /// The countdown against what the sender does: the first copy comes when it was foretold, but for the ticks of the kernel's timers and this machine's load; and the timeout is
    /// what ss says of the sender's socket.
    /// </summary>
    [Fact]
    public void The_time_until_a_sender_sends_again_is_foretold()
    {
        using var tool = new HoldTool(_lab.Server, "--hold-when", "payload~\"hello\"", $"tcp port {_port}");
        (Socket client, Socket server) = Connect();
        for (int i = 0; i < 20; i++)
        {
            client.Send("ping"u8);
            Assert.Equal("ping", Receive(server, 4));
            server.Send("pong"u8);
            Assert.Equal("pong", Receive(client, 4));
        }

        ChildResult sockets = ChildProcess.Run(_lab.Client, "ss", "-tin", "dst", $"{NetworkLab.ServerAddress}:{_port}");
        double timeout = double.Parse(Regex.Match(sockets.Output, @"rto:([0-9.]+)").Groups[1].Value, CultureInfo.InvariantCulture);
        client.Send("hello"u8);
        JsonElement held = tool.AwaitEvent("held");
        double foretold = held.GetProperty("age_ms").GetDouble() + held.GetProperty("resent_in_ms").GetDouble();
        Assert.InRange(foretold, timeout - 40, timeout + 40);
        JsonElement first = tool.AwaitEvent("copied");
        Assert.InRange(first.GetProperty("age_ms").GetDouble(), foretold - 40, foretold + 120);
        double second = first.GetProperty("age_ms").GetDouble() + first.GetProperty("resent_in_ms").GetDouble();
        JsonElement next = tool.AwaitEvent("copied", line => Number(line, "copies") == 2);
        Assert.InRange(next.GetProperty("age_ms").GetDouble(), second - 40, second + 120);
        double third = next.GetProperty("age_ms").GetDouble() + next.GetProperty("resent_in_ms").GetDouble();
        JsonElement last = tool.AwaitEvent("copied", line => Number(line, "copies") == 3);
        Assert.InRange(last.GetProperty("age_ms").GetDouble(), third - 40, third + 120);
        tool.End();
        client.Dispose();
        server.Dispose();
    }

    [Fact]
    public void A_breakpoint_at_a_FIN_holds_the_end_of_a_connection_and_nothing_before()
    {
        using var tool = new HoldTool(_lab.Server, "--hook", "input", "--hold-when", "fin", $"tcp dst port {_port}");
        (Socket client, Socket server) = Connect();
        client.Send("all of it"u8);
        Assert.Equal("all of it", Receive(server, 9));
        client.Shutdown(SocketShutdown.Send);
        JsonElement held = tool.AwaitEvent("held");
        Assert.False(server.Poll(0, SelectMode.SelectRead));
        tool.Tell($"\"command\":\"release\",\"id\":{Number(held, "id")}");
        Assert.Equal("", Receive(server, 1));
        tool.End();
        client.Dispose();
        server.Dispose();
    }

    [Fact]
    public void The_documented_program_edits_a_request_and_releases_it()
    {
        KernelTest.RequireTool("curl");
        string folder = Directory.CreateTempSubdirectory("hold-example-").FullName;
        try
        {
            string text = File.ReadAllText(Path.Combine(ProjectPaths.Root, "docs", "holding.md"));
            string program = Regex.Match(text, "```python\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;
            Assert.Contains("8080", program, StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(folder, "example.py"), program.Replace("8080", $"{_port}", StringComparison.Ordinal));
            string tool = Path.Combine(folder, "interceptor");
            File.WriteAllText(tool, $"#!/bin/sh\nexec dotnet '{CliProcess.AssemblyPath}' \"$@\"\n");
            ChildProcess.Run(_lab.Server, "chmod", "+x", tool);
            using Process example = ChildProcess.Start(
                _lab.Server, "sh", "-c", $"PATH='{folder}':$PATH exec {(File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3")} '{folder}/example.py'");
            string ready = example.StandardOutput.ReadLine() ?? example.StandardError.ReadToEnd();
            Assert.Contains("ready", ready, StringComparison.Ordinal);
            using Process curl = ChildProcess.Start(_lab.Client, "curl", "-s", "-m", "20", $"http://{NetworkLab.ServerAddress}:{_port}/first");
            Socket server = _listener.Accept();
            string request = Receive(server, 16);
            server.Send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ndone"u8);
            server.Dispose();
            Assert.Equal("GET /other HTTP/", request);
            Assert.Equal("done", curl.StandardOutput.ReadToEnd());
            string rest = example.StandardOutput.ReadToEnd();
            Assert.True(example.WaitForExit(Deadline));
            Assert.Equal(0, example.ExitCode);
            Assert.Contains("'edited': 1", rest, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void What_was_replaced_is_held_as_it_would_go_on()
    {
        using var tool = new HoldTool(_lab.Server, "--replace", "short=much longer", "--hold-when", "payload~\"longer\"", $"tcp port {_port}");
        (Socket client, Socket server) = Connect();
        client.Send("a short one"u8);
        JsonElement held = tool.AwaitEvent("held");
        Assert.Equal("a much longer one".Length, Number(held, "payload_length"));
        string hex = tool.Tell("\"command\":\"list\",\"bytes\":true").GetProperty("items")[0].GetProperty("hex").GetString()!;
        Assert.EndsWith("a much longer one", Encoding.Latin1.GetString(Convert.FromHexString(hex)), StringComparison.Ordinal);
        tool.Tell("\"command\":\"edit\",\"id\":1,\"payload\":\"a MUCH longer one\"");
        tool.Tell("\"command\":\"release\",\"all\":true");
        Assert.Equal("a MUCH longer one", Receive(server, 17));
        tool.End();
        client.Dispose();
        server.Dispose();
    }

    [Fact]
    public void Every_line_gets_one_answer_and_none_ends_the_run()
    {
        using var tool = new HoldTool(_lab.Server, "--hook", "input", $"tcp dst port {_port}");
        foreach (string line in new[] { "rubbish", "[]", "{}", "{\"command\":7}", "{\"command\":\"fly\"}", "{\"command\":\"release\"}", "{\"command\":\"edit\",\"id\":99,\"fields\":{\"ttl\":1}}" })
        {
            tool.Write(line);
        }

        Assert.Equal(4096, Number(tool.Tell("\"command\":\"limits\""), "packets"));
        JsonElement[] answers = [.. tool.Events.Where(line => line.GetProperty("type").GetString() == "answer")];
        Assert.Equal([1, 2, 3, 4, 5, 6, 7], answers[..^1].Select(line => (int)Number(line, "line")));
        Assert.All(answers[..^1], answer => Assert.False(answer.GetProperty("ok").GetBoolean()));
        Assert.True(answers[^1].GetProperty("ok").GetBoolean());
        Assert.True(tool.Tell("\"command\":\"quit\"").GetProperty("ok").GetBoolean());
        Assert.Equal(0, Number(tool.AwaitEvent("summary"), "received"));
    }

    [Fact]
    public async Task A_program_that_is_killed_holds_nothing_any_more()
    {
        string script = $"import subprocess, sys; p = subprocess.Popen(['dotnet', '{CliProcess.AssemblyPath}', 'intercept', '--control', '--hook', 'input', '--hold-when', 'len>0', 'tcp dst port {_port}'], "
            + "stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)\nfor line in p.stdout: print(line, end='', flush=True)";
        using Process program = ChildProcess.Start(_lab.Server, File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3", "-c", script);
        Assert.Contains("ready", await program.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        (Socket client, Socket server) = Connect();
        client.Send("held"u8);
        Assert.Contains("\"held\"", await program.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(0, server.Available);
        program.Kill();
        Assert.Equal("held", Receive(server, 4));

        // Standard error is the tool's last sign: it ends when the tool has, behind its rules.
        string said = await program.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(Deadline, TestContext.Current.CancellationToken);
        Assert.DoesNotContain("Exception", said, StringComparison.Ordinal);
        Assert.DoesNotContain("INTERCEPTOR-", ChildProcess.Run(_lab.Server, "iptables-save").Output, StringComparison.Ordinal);
        client.Dispose();
        server.Dispose();
    }

    private (Socket Client, Socket Server) Connect()
    {
        Socket client = _lab.Client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        client.NoDelay = true;
        client.Connect(NetworkLab.ServerAddress, _port);
        Socket server = _listener.Accept();
        server.NoDelay = true;
        server.ReceiveTimeout = client.ReceiveTimeout = (int)Deadline.TotalMilliseconds;
        return (client, server);
    }

    private static string Receive(Socket socket, int length)
    {
        byte[] buffer = new byte[length];
        int have = 0;
        while (have < length && socket.Receive(buffer.AsSpan(have)) is > 0 and var got)
        {
            have += got;
        }

        return Encoding.ASCII.GetString(buffer, 0, have);
    }

    private void Iptables(params string[] arguments)
    {
        ChildResult result = ChildProcess.Run(_lab.Server, "iptables", arguments);
        Assert.True(result.ExitCode == 0, result.Error);
    }

    private long Counted()
    {
        string rules = ChildProcess.Run(_lab.Server, "iptables", "-t", "filter", "-nvxL", "INPUT").Output;
        string line = rules.Split('\n').Single(text => text.Contains("length 57", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0], CultureInfo.InvariantCulture);
    }

    private static long Number(JsonElement element, string key) => element.GetProperty(key).GetInt64();
}
