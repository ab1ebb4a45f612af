using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Interceptor.Capture.Intercept;
using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Intercept;

/// <summary>Edited connections of programs that know nothing of it, through the kernel.</summary>
public sealed class EditingTests
{
    private const int BodyLength = 10_000_000;
    private const string Server = """
        import hashlib, http.server, sys
        answer = open(sys.argv[1], 'rb').read()
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                print(len(body), hashlib.sha256(body).hexdigest(), flush=True)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(answer)
            def log_message(self, *words):
                pass
        server = http.server.HTTPServer(('', 8080), Handler)
        print('ready', flush=True)
        server.handle_request()
        """;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    /// <summary>Where the edit is, what it does, whether the same run loses packets, and who else does.</summary>
    [Theory]
    [InlineData("router", "Pin", true, null)]
    [InlineData("router", "A much longer needle", true, "client")]
    [InlineData("router", "", false, "server")]
    [InlineData("server", "A much longer needle", true, null)]
    [InlineData("server", "Pin", false, "router")]
    [InlineData("client", "", true, "router")]
    [InlineData("client", "A much longer needle", false, "router")]
    public void A_body_of_10_MB_each_way_is_edited_whole_with_losses_and_the_connection_closes_with_FIN(string place, string replacement, bool losesHere, string? alsoLoses)
    {
        KernelTest.RequireTool("curl");
        using var lab = new RoutedLab();
        using var folder = new TemporaryFolder();
        byte[] upload = Body(1);
        byte[] download = Body(2);
        byte[] expectedUpload = Replaced(upload, replacement, out int inUpload);
        byte[] expectedDownload = Replaced(download, replacement, out int inDownload);
        File.WriteAllBytes(folder["up"], upload);
        File.WriteAllBytes(folder["answer"], download);
        using Process server = ChildProcess.Start(lab.Server, "python3", "-c", Server, folder["answer"]);
        using var end = new ProcessEnd(server);
        Assert.Equal("ready", server.StandardOutput.ReadLine());

        using var stop = new CancellationTokenSource();
        InterceptOptions edit = At(place, losesHere) with
        {
            Replacements =
            [
                Replacement.Parse($"Needle={replacement}"),
                Replacement.Parse(string.Create(CultureInfo.InvariantCulture, $"Content-Length: {BodyLength}=Content-Length: {expectedUpload.Length}")),
            ],
        };
        using var session = new RunningSession(lab[place], edit, stop.Token);
        using RunningSession? loser = alsoLoses is null ? null : new RunningSession(lab[alsoLoses], At(alsoLoses, loses: true), stop.Token);
        ChildResult curl = ChildProcess.Run(
            lab.Client, Deadline, "curl", "-sS", "-H", "Expect:", "-T", folder["up"], "-o", folder["down"], $"http://{RoutedLab.ServerAddress}:8080/body");
        string said = server.StandardOutput.ReadLine() ?? server.StandardError.ReadToEnd();
        Assert.True(server.WaitForExit(Deadline));
        AssertClosedInOrder(lab);
        stop.Cancel();
        InterceptSummary summary = session.Finish();
        loser?.Finish();

        Assert.Equal((0, ""), (curl.ExitCode, curl.Error));
        Assert.Equal($"{expectedUpload.Length} {Convert.ToHexStringLower(SHA256.HashData(expectedUpload))}", said);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(expectedDownload)), Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(folder["down"]))));
        Assert.Equal(inUpload + inDownload + 1, summary.Replacements);
        Assert.Equal(
            expectedUpload.Length - upload.Length + expectedDownload.Length - download.Length + Digits(expectedUpload.Length) - Digits(BodyLength), summary.EditDeltaBytes);
        Assert.True(summary.IsBalanced);
        Assert.True(summary.Edited > 1000, $"{summary.Edited} packets were edited");
        Assert.Equal(0, summary.TranslatedAtEnd);
        Assert.True(!losesHere || summary.Dropped > 100, $"{summary.Dropped} packets were lost");
    }

    [Fact]
    public void On_loopback_each_packet_is_edited_at_one_of_its_two_hooks()
    {
        using var loopback = new LoopbackQueue();
        using var stop = new CancellationTokenSource();
        using var session = new RunningSession(loopback.Namespace, new InterceptOptions { Replacements = [Replacement.Parse("a=ab")], Filter = Tcp() }, stop.Token);
        using TcpPeers peers = TcpPeers.Connect(loopback.Namespace);
        peers.Client.Send("banana"u8);
        Assert.Equal("babnabnab", Read(peers.Server, 9));
        peers.Server.Send("aa"u8);
        Assert.Equal("abab", Read(peers.Client, 4));
        peers.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, peers.Server.Receive(new byte[1]));
        stop.Cancel();
        InterceptSummary summary = session.Finish();
        Assert.Equal((5, 5, 1), (summary.Replacements, summary.EditDeltaBytes, summary.TranslatedAtEnd));
    }

    [Fact]
    public void A_connection_seen_from_the_middle_passes_untouched_and_is_told_once()
    {
        using var loopback = new LoopbackQueue();
        using TcpPeers peers = TcpPeers.Connect(loopback.Namespace);
        using var stop = new CancellationTokenSource();
        using var session = new RunningSession(loopback.Namespace, new InterceptOptions { Replacements = [Replacement.Parse("a=ab")], Filter = Tcp() }, stop.Token);
        var told = new List<string>();
        session.Session.Noticed += told.Add;
        for (int i = 0; i < 3; i++)
        {
            peers.Client.Send("banana"u8);
            Assert.Equal("banana", Read(peers.Server, 6));
        }

        stop.Cancel();
        InterceptSummary summary = session.Finish();
        Assert.Equal((0, 1, 0), (summary.Replacements, summary.MidstreamRefused, summary.TranslatedAtEnd));
        Assert.EndsWith(" is not edited: its beginning was not seen.", Assert.Single(told), StringComparison.Ordinal);
        peers.Client.Send("after"u8);
        Assert.Equal("after", Read(peers.Server, 5));
    }

    [Fact]
    public void At_the_end_a_translated_connection_is_reset_and_another_goes_on()
    {
        using var loopback = new LoopbackQueue();
        using var stop = new CancellationTokenSource();
        using var session = new RunningSession(loopback.Namespace, new InterceptOptions { Replacements = [Replacement.Parse("a=ab")], Filter = Tcp() }, stop.Token);
        using TcpPeers shifted = TcpPeers.Connect(loopback.Namespace);
        using TcpPeers plain = TcpPeers.Connect(loopback.Namespace);
        shifted.Client.Send("a"u8);
        Assert.Equal("ab", Read(shifted.Server, 2));
        plain.Client.Send("x"u8);
        Assert.Equal("x", Read(plain.Server, 1));
        stop.Cancel();
        Assert.Equal(1, session.Finish().TranslatedAtEnd);
        Assert.Equal(SocketError.ConnectionReset, Assert.Throws<SocketException>(() => shifted.Client.Receive(new byte[1])).SocketErrorCode);
        Assert.Equal(SocketError.ConnectionReset, Assert.Throws<SocketException>(() => shifted.Server.Receive(new byte[1])).SocketErrorCode);
        plain.Client.Send("still there"u8);
        Assert.Equal("still there", Read(plain.Server, 11));
    }

    [Fact]
    public void A_datagram_is_edited_in_place_longer_than_its_link_takes_too()
    {
        using var lab = new RoutedLab();
        using var stop = new CancellationTokenSource();
        using Socket receiver = lab.Server.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        receiver.Bind(new IPEndPoint(IPAddress.Any, 7000));
        receiver.ReceiveTimeout = (int)Deadline.TotalMilliseconds;
        using Socket sender = lab.Client.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        using var session = new RunningSession(
            lab.Client, new InterceptOptions { Hooks = [FirewallHook.Output], Filter = PacketFilter.Compile("udp port 7000", LinkType.Raw), Replacements = [Replacement.Parse("a=bcd")] }, stop.Token);
        byte[] received = new byte[10_000];
        foreach (int length in (ReadOnlySpan<int>)[3, 1400])
        {
            sender.SendTo(Encoding.ASCII.GetBytes(new string('a', length)), new IPEndPoint(IPAddress.Parse(RoutedLab.ServerAddress), 7000));
            int count = receiver.Receive(received);
            Assert.Equal(string.Concat(Enumerable.Repeat("bcd", length)), Encoding.ASCII.GetString(received, 0, count));
        }

        stop.Cancel();
        InterceptSummary summary = session.Finish();
        Assert.Equal((2, 1403, 2806), (summary.Edited, summary.Replacements, summary.EditDeltaBytes));
    }

    private static InterceptOptions At(string place, bool loses) => new()
    {
        Hooks = place == "router" ? [FirewallHook.Forward] : [FirewallHook.Input, FirewallHook.Output],
        Filter = PacketFilter.Compile("tcp port 8080", LinkType.Raw),
        Impairments = new ImpairmentOptions { Loss = loses ? 0.02 : 0, Seed = 7 },
    };

    private static PacketFilter Tcp() => PacketFilter.Compile("tcp", LinkType.Raw);

    private static int Digits(int number) => number.ToString(CultureInfo.InvariantCulture).Length;

    // Text without the word, and the word at random places.
    private static byte[] Body(int seed)
    {
        var random = new Random(seed);
        byte[] body = new byte[BodyLength];
        for (int at = 0; at < body.Length;)
        {
            int length = Math.Min(random.Next(2000, 30_000), body.Length - at);
            foreach (ref byte letter in body.AsSpan(at, length))
            {
                letter = (byte)"abcdefghijklmnopqrstuvwxyzN \n"[random.Next(29)];
            }

            at += length;
            if (at + 6 <= body.Length)
            {
                "Needle"u8.CopyTo(body.AsSpan(at));
                at += 6;
            }
        }

        return body;
    }

    private static byte[] Replaced(byte[] body, string replacement, out int count)
    {
        string[] parts = Encoding.Latin1.GetString(body).Split("Needle");
        count = parts.Length - 1;
        return Encoding.Latin1.GetBytes(string.Join(replacement, parts));
    }

    /// <summary>Nobody sent a reset, and no socket is left but one that closed first and waits (TIME-WAIT): each FIN was acknowledged.</summary>
    private static void AssertClosedInOrder(RoutedLab lab)
    {
        LoopbackQueue.Until(() => (string[])[.. StatesOf(lab.Client), .. StatesOf(lab.Server)] is ["06"], "the connection did not close");
        Assert.Equal((0, 0), (ResetsOf(lab.Client), ResetsOf(lab.Server)));
    }

    private static string[] StatesOf(NetworkNamespace where) =>
        where.Run(() => File.ReadAllLines("/proc/thread-self/net/tcp").Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3]).ToArray());

    private static long ResetsOf(NetworkNamespace where) => where.Run(() =>
    {
        string[][] lines = [.. File.ReadAllLines("/proc/thread-self/net/snmp").Where(line => line.StartsWith("Tcp:", StringComparison.Ordinal)).Select(line => line.Split(' '))];
        return lines[0].Zip(lines[1]).Where(field => field.First is "OutRsts" or "EstabResets").Sum(field => long.Parse(field.Second, CultureInfo.InvariantCulture));
    });

    private static string Read(Socket socket, int count)
    {
        byte[] bytes = new byte[count];
        int got = 0;
        while (got < count)
        {
            int more = socket.Receive(bytes, got, count - got, SocketFlags.None);
            Assert.True(more > 0, "the connection ended");
            got += more;
        }

        return Encoding.ASCII.GetString(bytes);
    }

    /// <summary>Both ends of a connection over loopback.</summary>
    private sealed record TcpPeers(Socket Client, Socket Server) : IDisposable
    {
        internal static TcpPeers Connect(NetworkNamespace where)
        {
            using Socket listener = where.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen();
            Socket client = where.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            client.ReceiveTimeout = (int)Deadline.TotalMilliseconds;
            client.Connect(listener.LocalEndPoint!);
            Socket server = listener.Accept();
            server.ReceiveTimeout = (int)Deadline.TotalMilliseconds;
            return new TcpPeers(client, server);
        }

        public void Dispose()
        {
            Client.Dispose();
            Server.Dispose();
        }
    }

    /// <summary>Ends a process that still runs when the test is over.</summary>
    private sealed class ProcessEnd(Process process) : IDisposable
    {
        public void Dispose()
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }
    }

    private sealed class TemporaryFolder : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("editing");

        internal string this[string name] => Path.Combine(_folder.FullName, name);

        public void Dispose() => _folder.Delete(recursive: true);
    }
}
