using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>What sock_diag(7) tells of a TCP connection of the calling thread's network namespace and getsockopt does not.</summary>
internal static class SocketDiagnostics
{
    private const int NETLINK_SOCK_DIAG = 4;
    private const ushort SOCK_DIAG_BY_FAMILY = 20;
    private const int INET_DIAG_INFO = 2;
    private const ushort INET_DIAG_MD5SIG = 18;
    private const ushort NLM_F_REQUEST = 1;

    /// <summary>struct inet_diag_req_v2 behind its netlink header.</summary>
    private const int RequestLength = NetlinkMessage.HeaderLength + 56;

    /// <summary>struct inet_diag_msg; its attributes follow.</summary>
    private const int ReplyLength = 72;

    /// <summary>
    /// True if the connection's segments are signed with TCP MD5 (RFC 2385), which the kernel tells who has CAP_NET_ADMIN. False also where it does not find
    /// the connection, as one that is bound to an interface.
    /// </summary>
    /// <param name="local">The local address, 4 or 16 bytes.</param>
    /// <param name="localPort">Its port.</param>
    /// <param name="peer">The peer's, as long.</param>
    /// <param name="peerPort">Its port.</param>
    internal static bool IsMd5Signed(ReadOnlySpan<byte> local, ushort localPort, ReadOnlySpan<byte> peer, ushort peerPort)
    {
        Span<byte> request = stackalloc byte[RequestLength];
        request.Clear();
        MemoryMarshal.Write(request, (uint)RequestLength);
        MemoryMarshal.Write(request[4..], SOCK_DIAG_BY_FAMILY);
        MemoryMarshal.Write(request[6..], NLM_F_REQUEST);
        Span<byte> body = request[NetlinkMessage.HeaderLength..];
        body[0] = (byte)(local.Length == 4 ? Libc.AF_INET : Libc.AF_INET6);
        body[1] = Libc.IPPROTO_TCP;

        // Signatures come only to who asks for INET_DIAG_INFO (2), which is bit 1.
        body[2] = 1 << (INET_DIAG_INFO - 1);
        MemoryMarshal.Write(body[4..], uint.MaxValue);
        BinaryPrimitives.WriteUInt16BigEndian(body[8..], localPort);
        BinaryPrimitives.WriteUInt16BigEndian(body[10..], peerPort);
        local.CopyTo(body[12..28]);
        peer.CopyTo(body[28..44]);

        // No cookie: whichever socket has these addresses.
        body[48..56].Fill(0xff);
        using NetlinkSocket socket = NetlinkSocket.Open(NETLINK_SOCK_DIAG, "sock_diag");
        using var buffer = new NetlinkReceiveBuffer(1, 8192, touch: false);
        socket.Send(request);
        return socket.Receive(buffer, out _) == NetlinkReceiveResult.Messages && HasSignature(buffer.Message(0));
    }

    private static bool HasSignature(ReadOnlySpan<byte> datagram)
    {
        var messages = new NetlinkReader(datagram);
        while (messages.TryRead(out NetlinkMessage message))
        {
            if (message.Type != SOCK_DIAG_BY_FAMILY || message.Body.Length < ReplyLength)
            {
                continue;
            }

            var attributes = new NetlinkAttributeReader(message.Body[ReplyLength..]);
            while (attributes.TryRead())
            {
                if (attributes.Type == INET_DIAG_MD5SIG)
                {
                    return true;
                }
            }
        }

        return false;
    }
}
