using System.Net.Sockets;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Replay;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Checkpoint;

/// <summary>A connection of a namespace of its own whose server's side has been taken into an image under a lock; its client, the peer, waits.</summary>
internal sealed class TakenSession : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("restore-test-").FullName;
    private readonly StreamServer _server;

    /// <param name="unread">What the client sent before, and nobody has read.</param>
    internal TakenSession(string unread = "")
    {
        KernelTest.RequireTool("iptables");
        Namespace = KernelTest.CreateNamespace("restore");
        Namespace.Run(() =>
        {
            NativeSocket.BringUp("lo");
            TcpLink.Run("ip", "link set lo mtu 1500");
        });
        _server = new StreamServer(Namespace, idle: true);
        Client = _server.Connect(Namespace);
        Client.ReceiveTimeout = (int)TcpLink.Deadline.TotalMilliseconds;
        if (unread.Length > 0)
        {
            Client.Send(System.Text.Encoding.ASCII.GetBytes(unread));
        }

        Taken = SessionCheckpoint.Take(new SessionCheckpointOptions
        {
            Pid = _server.Pid,
            Local = _server.Endpoint,
            Peer = StreamServer.EndpointOf(Client.LocalEndPoint!),
            Directory = Image,
            KillOwner = true,
        }).Image;
    }

    internal NetworkNamespace Namespace { get; }

    /// <summary>The peer.</summary>
    internal Socket Client { get; }

    /// <summary>The image as it was taken.</summary>
    internal SessionImage Taken { get; }

    internal string Image => PathOf("image");

    internal FlowEndpoint Local => _server.Endpoint;

    /// <summary>A name beside the image.</summary>
    internal string PathOf(string name) => Path.Combine(_directory, name);

    /// <summary>Runs the tool in the connection's namespace.</summary>
    internal CliResult Run(params string[] arguments) => Namespace.Run(() => CliProcess.Run(arguments));

    /// <summary>The image can be restored, its lock is in place, and the peer has seen neither an end nor a reset; then it is restored and both streams go on.</summary>
    /// <param name="unread">What the peer's stream has for the new socket.</param>
    /// <param name="resets">Resets that the namespace sent for other reasons.</param>
    internal void AssertUntouched(string unread, int resets = 0)
    {
        Assert.Null(SessionRestoreMark.ReadFrom(Image));
        Assert.Empty(Namespace.Run(() => SessionRestore.Inspect(Image, new SessionRestoreOptions())));
        using RestoredSession session = Namespace.Run(() => SessionRestore.Resume(Image));
        Assert.True(session.LockRemoved);
        using Socket socket = session.Socket.TakeSocket();
        Client.Send("!"u8);
        Assert.Equal(TcpLink.Sha256(System.Text.Encoding.ASCII.GetBytes(unread + "!")), TcpLink.ReadSha256(socket, unread.Length + 1));
        socket.Send("still here"u8);
        Assert.Equal(TcpLink.Sha256("still here"u8), TcpLink.ReadSha256(Client, 10));
        Assert.Equal(resets, TcpLink.ResetsSent(Namespace));
    }

    public void Dispose()
    {
        Client.Dispose();
        _server.Dispose();
        Namespace.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
