using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Interceptor.Cli.Demo.Peers;

/// <summary>
/// The demo's server: it stores the upload in a file and sends the download at the same time. It keeps no state but the file and the socket,
/// and consumes from the socket only what the file has: so after SIGKILL at any instant the kernel's counters of the connection say how much
/// of the file is good, and a new process goes on there.
/// </summary>
internal static class TransferServer
{
    private const int ChunkLength = 256 * 1024;

    /// <summary>Waits for the client and serves it from the beginning.</summary>
    internal static void Run(TransferPlan plan, IPEndPoint local, string storePath)
    {
        using var listener = new Socket(local.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(local);
        listener.Listen(1);
        PeerMessages.Listening(listener);
        using Socket socket = listener.Accept();
        PeerMessages.Connected(socket);
        PeerMessages.Done(Transfer(plan, socket, storePath, 0, 0, PeerMessages.Progress));
    }

    /// <summary>Serves a connection from the given offsets to its end.</summary>
    /// <param name="plan">What is transferred.</param>
    /// <param name="socket">The connection.</param>
    /// <param name="storePath">The upload's file; it has the first <paramref name="received"/> bytes.</param>
    /// <param name="received">Bytes of the upload consumed before.</param>
    /// <param name="sent">Bytes of the download given to the socket before.</param>
    /// <param name="report">See <see cref="TransferProgress"/>.</param>
    internal static TransferResult Transfer(TransferPlan plan, Socket socket, string storePath, long received, long sent, Action<long, long>? report)
    {
        var progress = new TransferProgress(plan, received, sent, report);
        using SafeFileHandle store = File.OpenHandle(storePath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        Thread sender = PeerThread.Start("download", () => Send(plan, socket, progress, sent));
        Receive(plan, socket, store, progress, received);
        sender.Join();
        int extra = socket.Receive(new byte[1]);
        if (extra != 0)
        {
            throw new InvalidDataException($"The client sent more than the {plan.Bytes} bytes that were agreed.");
        }

        socket.Close();
        return new TransferResult(RandomAccess.GetLength(store), plan.Bytes, HashOf(store), HashOf(plan.Download, plan.Bytes));
    }

    private static void Send(TransferPlan plan, Socket socket, TransferProgress progress, long offset)
    {
        byte[] buffer = new byte[ChunkLength];
        while (offset < plan.Bytes)
        {
            Span<byte> chunk = buffer.AsSpan(0, (int)Math.Min(buffer.Length, plan.Bytes - offset));
            plan.Download.Fill(offset, chunk);
            PeerThread.SendAll(socket, chunk);
            offset += chunk.Length;
            progress.SentTo(offset);
        }
    }

    private static void Receive(TransferPlan plan, Socket socket, SafeFileHandle store, TransferProgress progress, long offset)
    {
        byte[] buffer = new byte[ChunkLength];
        while (offset < plan.Bytes)
        {
            int count = socket.Receive(buffer.AsSpan(0, (int)Math.Min(buffer.Length, plan.Bytes - offset)), SocketFlags.Peek);
            if (count == 0)
            {
                throw new InvalidDataException($"The client closed the connection after {offset} of {plan.Bytes} bytes.");
            }

            RandomAccess.Write(store, buffer.AsSpan(0, count), offset);
            for (int left = count; left > 0;)
            {
                left -= socket.Receive(buffer.AsSpan(0, left));
            }

            offset += count;
            progress.ReceivedTo(offset);
        }
    }

    private static string HashOf(SafeFileHandle file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[ChunkLength];
        long offset = 0;
        int count;
        while ((count = RandomAccess.Read(file, buffer, offset)) > 0)
        {
            hash.AppendData(buffer, 0, count);
            offset += count;
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static string HashOf(PatternStream pattern, long length)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[ChunkLength];
        for (long offset = 0; offset < length; offset += buffer.Length)
        {
            Span<byte> chunk = buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - offset));
            pattern.Fill(offset, chunk);
            hash.AppendData(chunk);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
