using System.Net.Sockets;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.LinuxTests.Checkpoint;
using Interceptor.Replay;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Replay;

/// <summary>A socket whose timers make it send between the dump and the close.</summary>
public sealed class LateEmissionTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("late-test-").FullName;

    /// <summary>What TCP_CORK keeps back goes out after 200 ms, by the timer of window probes: unsent data becomes sent data while the socket is in repair.</summary>
    [Fact]
    public void Data_that_left_the_socket_behind_the_dump_is_sent_data_in_the_image_and_arrives_once()
    {
        KernelTest.RequireTool("iptables");
        using var link = new TcpLink();
        using var server = FileDescriptor.Borrow((int)link.Server.Handle);
        byte[] corked = TcpLink.Pattern(1, 100);
        int unsentAtDump = 0;
        NativeSocket.SetInt(server, Libc.IPPROTO_TCP, Libc.TCP_CORK, 1, "setsockopt(TCP_CORK)", "the server");
        string image = Path.Combine(_directory, "image");
        SessionCheckpointResult taken = SessionCheckpoint.Take(new SessionCheckpointOptions
        {
            Pid = Environment.ProcessId,
            Local = link.ServerEndpoint,
            Peer = link.ClientEndpoint,
            Directory = image,
            StepObserver = (step, isOver) =>
            {
                if (step.Name == "pause socket" && !isOver)
                {
                    link.Server.Send(corked);
                }
                else if (step.Name == "dump" && isOver)
                {
                    unsentAtDump = Unsent(server);
                    TcpLink.WaitUntil(() => Unsent(server) == 0, "the corked data to leave");
                }
            },
        });
        Assert.Equal(100, unsentAtDump);
        SessionImage read = SessionFiles.Read(image);
        Assert.Equal((100, 0), (read.Snapshot.InFlightBytes, read.Snapshot.UnsentBytes));
        HeldSessionPacket held = Assert.Single(read.HeldPackets, packet => !packet.IsInbound);
        Assert.True(HeldPacketPolicy.MayGoOut(held.IpPacket.Span, held.IpPacket.Length, read.Snapshot), "The packet is older than the image now.");
        Assert.Equal(taken.Image.Snapshot, read.Snapshot);

        using RestoredSession restored = link.Namespace.Run(() => SessionRestore.Resume(image));
        using Socket socket = restored.Socket.TakeSocket();
        socket.Send("and more"u8);
        socket.NoDelay = true;
        Assert.Equal(TcpLink.Sha256([.. corked, .. "and more"u8]), TcpLink.ReadSha256(link.Client, 108));
        Assert.Equal(0, link.ResetsSent());
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static int Unsent(FileDescriptor socket) => NativeSocket.IoctlInt(socket, Libc.SIOCOUTQNSD, "ioctl(SIOCOUTQNSD)", "the server");
}
