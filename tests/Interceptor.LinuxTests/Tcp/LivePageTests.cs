using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Tcp;

/// <summary>The table of <c>interceptor tcp -i</c> on a pseudo terminal, which util-linux's <c>script</c> makes.</summary>
public sealed class LivePageTests : IDisposable
{
    private const string Entered = "\x1b[?1049h";
    private const string Left = "\x1b[?1049l";

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly NetworkLab _lab = NetworkLab.Create();
    private readonly StringBuilder _seen = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task The_table_appears_and_q_brings_the_terminal_back_and_then_the_report()
    {
        using Process process = Start("interceptor tcp -i lo");
        using Socket listener = _lab.Client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        await Await(process, "CLIENT");
        using Socket client = _lab.Client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        client.Connect(listener.LocalEndPoint!);
        string name = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{((IPEndPoint)client.LocalEndPoint!).Port}");
        await Await(process, name);
        string rest = await Finish(process, "q");
        Assert.DoesNotContain(Entered, rest, StringComparison.Ordinal);
        Assert.Contains($"{name} > {listener.LocalEndPoint}", rest[rest.IndexOf(Left, StringComparison.Ordinal)..], StringComparison.Ordinal);
        CheckEnd(rest);
    }

    [Fact]
    public async Task Ctrl_C_leaves_the_same_way()
    {
        using Process process = Start("interceptor tcp -i lo");
        await Await(process, "CLIENT");
        string rest = await Finish(process, "\x03");
        Assert.Contains("0 connections", rest, StringComparison.Ordinal);
        CheckEnd(rest);
    }

    [Fact]
    public async Task Top_shows_connections_of_several_interfaces_until_Ctrl_C()
    {
        using Process process = Start($"interceptor top -i lo -i {NetworkLab.ClientInterface}");
        using Socket listener = _lab.Client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        await Await(process, "LIMIT");
        using Socket client = _lab.Client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        client.Connect(listener.LocalEndPoint!);
        await Await(process, string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{((IPEndPoint)client.LocalEndPoint!).Port}"));
        string rest = await Finish(process, "\x03");
        Assert.DoesNotContain(Entered, rest, StringComparison.Ordinal);
        Assert.Contains(Left, rest, StringComparison.Ordinal);
        CheckEnd(rest);
    }

    [Fact]
    public async Task Top_ends_after_as_many_refreshes_as_were_asked_for()
    {
        using Process process = Start("interceptor top -i lo -c 2 --interval 100ms");
        string all = await Finish(process, "");
        Assert.Contains("LIMIT", all, StringComparison.Ordinal);
        CheckEnd(all);
    }

    [Fact]
    public async Task Where_standard_output_is_no_terminal_there_is_no_page()
    {
        using Process process = Start("interceptor tcp -i lo --duration 100ms | cat");
        string all = await Finish(process, "");
        Assert.DoesNotContain(Entered, all, StringComparison.Ordinal);
        Assert.Contains("0 connections", all, StringComparison.Ordinal);
    }

    private Process Start(string command)
    {
        string script = $"stty rows 20 cols 100; interceptor() {{ dotnet '{CliProcess.AssemblyPath}' \"$@\"; }}; {command}; echo code $?; stty -a";
        return ChildProcess.Start(_lab.Client, "env", "TERM=xterm", "SHELL=/bin/bash", "script", "-qec", script, "/dev/null");
    }

    private static void CheckEnd(string rest)
    {
        Assert.Contains("\x1b[?25h", rest, StringComparison.Ordinal);
        Assert.Contains("code 0", rest, StringComparison.Ordinal);
        string[] modes = rest[rest.LastIndexOf("code 0", StringComparison.Ordinal)..].Split([' ', ';', '\r', '\n']);
        Assert.Contains("icanon", modes);
        Assert.Contains("echo", modes);
        Assert.Contains("icrnl", modes);
    }

    private async Task Await(Process process, string text)
    {
        var buffer = new char[4096];
        while (!_seen.ToString().Contains(text, StringComparison.Ordinal))
        {
            int length = await process.StandardOutput.ReadAsync(buffer, TestContext.Current.CancellationToken).AsTask().WaitAsync(Deadline, TestContext.Current.CancellationToken);
            Assert.True(length > 0, $"'{text}' did not appear in: {_seen}");
            _seen.Append(buffer, 0, length);
        }
    }

    // What comes behind the keys, to the end.
    private static async Task<string> Finish(Process process, string keys)
    {
        await process.StandardInput.WriteAsync(keys);
        await process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
        string rest = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(Deadline, TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Deadline, TestContext.Current.CancellationToken);
        return rest;
    }
}
