using System.Diagnostics;
using System.Net.Sockets;
using Interceptor.Checkpoint;
using Interceptor.Cli.Demo.Peers;
using Interceptor.Interop;
using Interceptor.LinuxTests.Checkpoint;
using Interceptor.Replay;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Replay;

/// <summary>SIGKILL of the process that moves a connection, at every step: it is with its old owner, with its new one, or in an image.</summary>
public sealed class MoveGuardTests : IDisposable
{
    private readonly NetworkNamespace _ns;
    private readonly string _directory = Directory.CreateTempSubdirectory("move-guard-").FullName;

    public MoveGuardTests()
    {
        KernelTest.RequireTool("iptables");
        _ns = KernelTest.CreateNamespace("move guard");
        _ns.Run(() => NativeSocket.BringUp("lo"));
    }

    private enum Place
    {
        OldOwner,
        Image,
        NewOwner,
    }

    [Theory]
    [InlineData("before:close original", "OldOwner")]
    [InlineData("after:close original", "Image")]
    [InlineData("after:resume", "Image")]
    [InlineData("after:deliver", "NewOwner")]
    public void A_move_that_is_killed_leaves_the_connection_with_an_owner_or_in_an_image(string where, string place) => Assert.Equal(place, $"{KillAt(where)}");

    /// <summary>All of them: a minute.</summary>
    [Fact(Explicit = true)]
    public void A_move_that_is_killed_at_any_step_leaves_the_connection_with_an_owner_or_in_an_image()
    {
        foreach (string name in SessionMove.Steps.Select(step => step.Name))
        {
            foreach (string where in (string[])[$"before:{name}", $"after:{name}"])
            {
                Place place = KillAt(where);
                TestContext.Current.TestOutputHelper?.WriteLine($"{where}: {place}");
            }
        }
    }

    public void Dispose()
    {
        _ns.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private Place KillAt(string where)
    {
        using var server = new StreamServer(_ns);
        using Socket client = server.Connect(_ns);
        client.ReceiveTimeout = (int)TcpLink.Deadline.TotalMilliseconds;
        client.Send(StreamServer.Bytes(0, 60_000));
        int resets = TcpLink.ResetsSent(_ns);
        string image = Path.Combine(_directory, "image");
        string channelPath = Path.Combine(_directory, "channel");
        using FileDescriptor listener = Handover.Listen(channelPath);
        using Process process = Process.Start(MoveHost.StartInfo(_ns, server, StreamServer.EndpointOf(client.LocalEndPoint!), image, channelPath, where))!;
        using FileDescriptor channel = Handover.Accept(listener);
        string said = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Place place = Continue(server, client, channel, image, resets, $"killed {where}: {said}");
        Assert.Equal(resets, TcpLink.ResetsSent(_ns));
        Assert.Empty(SessionMoveTests.Rules(_ns));
        File.Delete(channelPath);
        if (Directory.Exists(image))
        {
            Directory.Delete(image, recursive: true);
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory));
        return place;
    }

    private Place Continue(StreamServer server, Socket client, FileDescriptor channel, string image, int resets, string what)
    {
        FileDescriptor? connection;
        long sent = 0;
        try
        {
            (connection, _, sent) = Handover.Receive(channel);
        }
        catch (InvalidDataException)
        {
            connection = null;
        }

        if (connection is not null)
        {
            using var restored = new Socket(new SafeSocketHandle(connection.Detach(), ownsHandle: true));
            Task writing = Task.Run(() => StreamServer.WriteUntil(restored, sent, at => at >= sent + (1 << 20)));
            Assert.True(StreamServer.ReadToEnd(client, 0) >= sent + (1 << 20), what);
            Assert.True(writing.Wait(TcpLink.Deadline), what);
            return Place.NewOwner;
        }

        if (Directory.Exists(image))
        {
            Assert.True(server.HasExited || !FrozenProcess.IsStopped(server.Pid), what);
            _ = SessionMoveTests.GoOnWith(image, client, _ns, resets);
            return Place.Image;
        }

        Assert.False(server.HasExited || FrozenProcess.IsStopped(server.Pid), what);
        GuardTests.Read(client, 4 << 20, what);
        Assert.Equal("", server.EndAndReadErrors());
        return Place.OldOwner;
    }
}
