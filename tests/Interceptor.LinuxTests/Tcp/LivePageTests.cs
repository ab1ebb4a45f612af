using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Interceptor.LinuxTests.Live;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Tcp;

/// <summary>The table of <c>interceptor tcp -i</c> on a pseudo terminal, which util-linux's <c>script</c> makes.</summary>
public sealed class LivePageTests : IDisposable
{
    private const string Entered = "\x1b[?1049h";
    private const string Left = "\x1b[?1049l";

    private readonly NetworkLab _lab = NetworkLab.Create();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task The_table_appears_and_q_brings_the_terminal_back_and_then_the_report()
    {
        using var page = new TerminalRun(_lab.Client, "interceptor tcp -i lo");
        using Socket listener = _lab.Client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        await page.Await("CLIENT");
        using Socket client = _lab.Client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        client.Connect(listener.LocalEndPoint!);
        string name = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{((IPEndPoint)client.LocalEndPoint!).Port}");
        await page.Await(name);
        string rest = await page.Finish("q");
        Assert.DoesNotContain(Entered, rest, StringComparison.Ordinal);
        Assert.Contains($"{name} > {listener.LocalEndPoint}", rest[rest.IndexOf(Left, StringComparison.Ordinal)..], StringComparison.Ordinal);
        TerminalRun.CheckEnd(rest);
    }

    [Fact]
    public async Task Ctrl_C_leaves_the_same_way()
    {
        using var page = new TerminalRun(_lab.Client, "interceptor tcp -i lo");
        await page.Await("CLIENT");
        string rest = await page.Finish("\x03");
        Assert.Contains("0 connections", rest, StringComparison.Ordinal);
        TerminalRun.CheckEnd(rest);
    }

    [Fact]
    public async Task Top_shows_connections_of_several_interfaces_until_Ctrl_C()
    {
        using var page = new TerminalRun(_lab.Client, $"interceptor top -i lo -i {NetworkLab.ClientInterface}");
        using Socket listener = _lab.Client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        await page.Await("LIMIT");
        using Socket client = _lab.Client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        client.Connect(listener.LocalEndPoint!);
        await page.Await(string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{((IPEndPoint)client.LocalEndPoint!).Port}"));
        string rest = await page.Finish("\x03");
        Assert.DoesNotContain(Entered, rest, StringComparison.Ordinal);
        Assert.Contains(Left, rest, StringComparison.Ordinal);
        TerminalRun.CheckEnd(rest);
    }

    [Fact]
    public async Task Top_ends_after_as_many_refreshes_as_were_asked_for()
    {
        using var page = new TerminalRun(_lab.Client, "interceptor top -i lo -c 2 --interval 100ms");
        string all = await page.Finish("");
        Assert.Contains("LIMIT", all, StringComparison.Ordinal);
        TerminalRun.CheckEnd(all);
    }

    [Fact]
    public async Task Where_standard_output_is_no_terminal_there_is_no_page()
    {
        using var page = new TerminalRun(_lab.Client, "interceptor tcp -i lo --duration 100ms | cat");
        string all = await page.Finish("");
        Assert.DoesNotContain(Entered, all, StringComparison.Ordinal);
        Assert.Contains("0 connections", all, StringComparison.Ordinal);
    }
}
