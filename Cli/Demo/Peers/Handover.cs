using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Interceptor.Interop;

namespace Interceptor.Cli.Demo.Peers;

/// <summary>
/// The Unix socket over which the new server gets the restored connection: first the descriptor, then
/// the two offsets where its streams go on (received, sent: 64-bit little endian). A path, because abstract names end at the network namespace.
/// </summary>
internal static class Handover
{
    private const int OffsetsLength = 16;
    private const string Subject = "the channel to the new server";

    /// <summary>The starter's side: a listening socket at <paramref name="path"/>.</summary>
    internal static FileDescriptor Listen(string path)
    {
        FileDescriptor listener = NativeSocket.Create(Libc.AF_UNIX, Libc.SOCK_STREAM, 0);
        try
        {
            NativeSocket.Bind(listener, AddressOf(path), path);
            NativeSocket.Listen(listener, 1, path);
            return listener;
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    internal static FileDescriptor Accept(FileDescriptor listener) => NativeSocket.Accept(listener, Subject);

    internal static void Send(FileDescriptor channel, SafeHandle connection, long received, long sent)
    {
        DescriptorPassing.Send(channel, connection);
        Span<byte> message = stackalloc byte[OffsetsLength];
        BinaryPrimitives.WriteInt64LittleEndian(message, received);
        BinaryPrimitives.WriteInt64LittleEndian(message[8..], sent);
        int result = NativeSocket.TrySend(channel, message, 0);
        if (result != OffsetsLength)
        {
            throw new LinuxException(result < 0 ? -result : Errno.EPIPE, "send", Subject);
        }
    }

    /// <summary>The new server's side.</summary>
    internal static FileDescriptor Connect(string path)
    {
        FileDescriptor channel = NativeSocket.Create(Libc.AF_UNIX, Libc.SOCK_STREAM, 0);
        NativeSocket.Connect(channel, AddressOf(path), path);
        return channel;
    }

    internal static (FileDescriptor Connection, long Received, long Sent) Receive(FileDescriptor channel)
    {
        FileDescriptor connection = DescriptorPassing.Receive(channel) ?? throw new InvalidDataException("The channel closed before the connection came.");
        Span<byte> message = stackalloc byte[OffsetsLength];
        for (int have = 0; have < OffsetsLength;)
        {
            int result = NativeSocket.TryReceive(channel, message[have..], 0);
            have += result > 0 ? result : throw new InvalidDataException("The channel closed before the offsets came.");
        }

        return (connection, BinaryPrimitives.ReadInt64LittleEndian(message), BinaryPrimitives.ReadInt64LittleEndian(message[8..]));
    }

    private static ReadOnlySpan<byte> AddressOf(string path)
    {
        SocketAddress address = new UnixDomainSocketEndPoint(path).Serialize();
        return address.Buffer.Span[..address.Size];
    }
}
