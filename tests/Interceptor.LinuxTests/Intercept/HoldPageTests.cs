using System.Net;
using System.Net.Sockets;
using System.Text;
using Interceptor.LinuxTests.Live;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Intercept;

/// <summary>The page of <c>intercept --hold</c> on a pseudo terminal, driven by keys.</summary>
public sealed class HoldPageTests : IDisposable
{
    private const string Backspace = "\x7f";

    private readonly NetworkLab _lab = NetworkLab.Create();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task A_request_is_held_edited_and_released_by_keys_and_arrives_edited()
    {
        KernelTest.RequireTool("script");
        using Socket listener = _lab.Server.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Parse(NetworkLab.ServerAddress), 0));
        listener.Listen();
        int port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        using var page = new TerminalRun(_lab.Server, $"interceptor intercept --hook input --hold-when \"len>0\" tcp dst port {port}");
        await page.Await("nothing is held");
        using Socket client = _lab.Client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        client.Connect(listener.LocalEndPoint!);
        using Socket server = listener.Accept();
        server.ReceiveTimeout = 20_000;
        client.Send("GET /first\r\n"u8);
        await page.Await("Flags [P.]");
        await page.Press("t");
        await page.Await("payload: GET /first\\r\\n_");
        await page.Press(string.Concat(Enumerable.Repeat(Backspace, "first\\r\\n".Length)) + "other");
        await page.Await("payload: GET /other_");

        // Two bytes fewer than there were: told, and the line stays.
        await page.Press("\r");
        await page.Await("would get 10");
        await page.Press("\\r\\n\r");
        await page.Await("packet 1 edited");
        Assert.Equal(0, server.Available);
        await page.Press("e");
        await page.Press("ttl=9\r");
        await page.Await("ttl 9");
        await page.Press("r");
        byte[] got = new byte[12];
        Assert.Equal(12, server.Receive(got));
        Assert.Equal("GET /other\r\n", Encoding.ASCII.GetString(got));
        await page.Await("1 released");

        // What is held at the end goes on.
        client.Send("last"u8);
        await page.Await("length 56)");
        string rest = await page.Finish("q");
        Assert.Equal(4, server.Receive(got));
        Assert.Contains("released 2", rest, StringComparison.Ordinal);
        TerminalRun.CheckEnd(rest);
        Assert.DoesNotContain("INTERCEPTOR-", ChildProcess.Run(_lab.Server, "iptables-save").Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rows_are_chosen_filtered_and_dropped_and_Ctrl_C_leaves_in_order()
    {
        KernelTest.RequireTool("script");
        using var loopback = new LoopbackQueue();
        using var page = new TerminalRun(loopback.Namespace, $"interceptor intercept --hook input --hold udp dst port {loopback.Port}");
        await page.Await("nothing is held");
        loopback.Sender.Send("a"u8);
        loopback.Sender.Send("bb"u8);
        loopback.Sender.Send("ccc"u8);
        await page.Await("3 held");
        await page.Press("jd");
        await page.Await("1 dropped");
        await page.Press("p");
        await page.Await("PASSING");
        await page.Press("?");
        await page.Await("release all up to the selected one");
        await page.Press("?/length 3\r");
        await page.Await("[length 3]");
        await page.Press("D");
        await page.Await("goes on twice");
        string rest = await page.Finish("\x03");
        TerminalRun.CheckEnd(rest);
        Assert.Contains("held 3, released 2", rest, StringComparison.Ordinal);
        loopback.Receiver.ReceiveTimeout = 20_000;
        int[] lengths = [.. Enumerable.Range(0, 3).Select(_ => loopback.Receiver.Receive(new byte[8]))];
        Assert.Equal([1, 3, 3], lengths.Order());
    }
}
