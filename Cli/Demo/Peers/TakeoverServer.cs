using System.Net;
using System.Net.Sockets;
using Interceptor.Interop;

namespace Interceptor.Cli.Demo.Peers;

/// <summary>
/// The server's second process. It is started before the move, runs its whole code once over loopback (so that nothing is compiled while the
/// connection is frozen), and then waits for the connection and the offsets.
/// </summary>
internal static class TakeoverServer
{
    private const long WarmUpBytes = 4 * 1024 * 1024;

    internal static void Run(TransferPlan plan, string channelPath, string storePath)
    {
        using FileDescriptor channel = Handover.Connect(channelPath);
        WarmUp(plan, storePath + ".warm-up");
        PeerMessages.Ready();
        (FileDescriptor connection, long received, long sent) = Handover.Receive(channel);

        // It comes out of repair: an ordinary socket.
        using var socket = new Socket(new SafeSocketHandle(connection.Detach(), ownsHandle: true)) { Blocking = true };
        PeerMessages.Connected(socket);
        PeerMessages.Done(TransferServer.Transfer(plan, socket, storePath, received, sent, PeerMessages.Progress));
    }

    private static void WarmUp(TransferPlan plan, string storePath)
    {
        TransferPlan small = plan with { Bytes = WarmUpBytes, Rate = long.MaxValue };
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndPoint!);
        Socket server = listener.Accept();
        Thread other = PeerThread.Start("warm-up", () => TransferClient.Transfer(small, client));
        TransferServer.Transfer(small, server, storePath, 0, 0, null);
        other.Join();
        File.Delete(storePath);
    }
}
