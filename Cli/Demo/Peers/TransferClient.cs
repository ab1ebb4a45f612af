using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Interceptor.Cli.Demo.Peers;

/// <summary>
/// The demo's client: an ordinary program with an ordinary socket, that sends the upload and receives the download at the same time, and
/// knows nothing of what happens at the other end.
/// </summary>
internal static class TransferClient
{
    private const int ChunkLength = 256 * 1024;

    internal static void Run(TransferPlan plan, IPEndPoint server)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(server);
        PeerMessages.Connected(socket);
        PeerMessages.Done(Transfer(plan, socket));
    }

    /// <summary>The whole transfer over a connected socket.</summary>
    internal static TransferResult Transfer(TransferPlan plan, Socket socket)
    {
        var progress = new TransferProgress(plan, 0, 0, null);
        byte[] sentHash = [];
        Thread sender = PeerThread.Start("upload", () => sentHash = Send(plan, socket, progress));
        byte[] receivedHash = Receive(plan, socket, progress);
        sender.Join();

        // Everything went both ways: say so, and wait for the other end's word.
        socket.Shutdown(SocketShutdown.Send);
        int extra = socket.Receive(new byte[1]);
        return extra == 0
            ? new TransferResult(plan.Bytes, plan.Bytes, Convert.ToHexStringLower(receivedHash), Convert.ToHexStringLower(sentHash))
            : throw new InvalidDataException($"The server sent more than the {plan.Bytes} bytes that were agreed.");
    }

    private static byte[] Send(TransferPlan plan, Socket socket, TransferProgress progress)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[ChunkLength];
        for (long offset = 0; offset < plan.Bytes;)
        {
            Span<byte> chunk = buffer.AsSpan(0, (int)Math.Min(buffer.Length, plan.Bytes - offset));
            plan.Upload.Fill(offset, chunk);
            hash.AppendData(chunk);
            PeerThread.SendAll(socket, chunk);
            offset += chunk.Length;
            progress.SentTo(offset);
        }

        return hash.GetHashAndReset();
    }

    private static byte[] Receive(TransferPlan plan, Socket socket, TransferProgress progress)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[ChunkLength];
        for (long offset = 0; offset < plan.Bytes;)
        {
            int count = socket.Receive(buffer.AsSpan(0, (int)Math.Min(buffer.Length, plan.Bytes - offset)));
            if (count == 0)
            {
                throw new InvalidDataException($"The server closed the connection after {offset} of {plan.Bytes} bytes.");
            }

            hash.AppendData(buffer, 0, count);
            offset += count;
            progress.ReceivedTo(offset);
        }

        return hash.GetHashAndReset();
    }
}
