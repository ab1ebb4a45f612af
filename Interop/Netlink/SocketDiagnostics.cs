using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>Called for each socket; the message is valid during the call.</summary>
internal delegate void SocketVisitor(in SocketDiagnosticMessage socket);

/// <summary>
/// What sock_diag(7) tells of the internet sockets of a network namespace, that of the thread that opens it. Needs no privilege.
/// <para>Threads: one at a time.</para>
/// </summary>
internal sealed class SocketDiagnostics : IDisposable
{
    private const int NETLINK_SOCK_DIAG = 4;
    private const ushort SOCK_DIAG_BY_FAMILY = 20;
    private const ushort SOCK_DESTROY = 21;
    private const ushort NLMSG_ERROR = 2;
    private const ushort NLM_F_ACK = 4;
    private const int TCP_CLOSE = 7;
    private const int TCP_LISTEN = 10;
    private const ushort NLM_F_REQUEST = 1;
    private const int TCP_SYN_RECV = 3;
    private const int TCP_TIME_WAIT = 6;
    private const int TCP_NEW_SYN_RECV = 12;
    private const string Subject = "sock_diag";

    /// <summary>All but the states in which a connection has no socket: handshakes that are not finished, and TIME-WAIT.</summary>
    private const uint StatesWithSocket = ~(1u << TCP_SYN_RECV | 1u << TCP_TIME_WAIT | 1u << TCP_NEW_SYN_RECV);

    /// <summary>All with a peer that are not over.</summary>
    internal const uint StatesWithPeer = StatesWithSocket & ~(1u << TCP_LISTEN | 1u << TCP_CLOSE);

    /// <summary>Whatever there is.</summary>
    internal const uint AllStates = uint.MaxValue;

    /// <summary>Asks for INET_DIAG_INFO, and with it for signatures and the upper layer.</summary>
    internal const byte Info = 1 << (SocketDiagnosticMessage.INET_DIAG_INFO - 1);

    /// <summary>Asks for the congestion control's name.</summary>
    internal const byte Congestion = 1 << (SocketDiagnosticMessage.INET_DIAG_CONG - 1);

    /// <summary>struct inet_diag_req_v2 behind its netlink header.</summary>
    private const int RequestLength = NetlinkMessage.HeaderLength + 56;

    private readonly NetlinkDump _dump;
    private readonly NetlinkSocket _single;
    private readonly NetlinkReceiveBuffer _answer = new(1, 8192, touch: false);
    private readonly NetlinkVisitor _show;
    private SocketVisitor? _visitor;

    private SocketDiagnostics(NetlinkDump dump, NetlinkSocket single)
    {
        _dump = dump;
        _single = single;
        _show = Show;
    }

    /// <summary>For the calling thread's network namespace.</summary>
    internal static SocketDiagnostics Open()
    {
        NetlinkDump dump = NetlinkDump.Open(NETLINK_SOCK_DIAG, Subject);
        try
        {
            return new SocketDiagnostics(dump, NetlinkSocket.Open(NETLINK_SOCK_DIAG, Subject));
        }
        catch
        {
            dump.Dispose();
            throw;
        }
    }

    /// <summary>Shows every socket of a family and protocol; false where the kernel has no diagnosis for that protocol (CONFIG_INET_UDP_DIAG).</summary>
    /// <param name="family">AF_INET or AF_INET6.</param>
    /// <param name="protocol">IPPROTO_TCP or IPPROTO_UDP.</param>
    /// <param name="visitor">Called on this thread.</param>
    /// <param name="states">Which, as bits by the kernel's numbers.</param>
    /// <param name="extensions">What else to tell: <see cref="Info"/>, <see cref="Congestion"/>.</param>
    internal bool TryList(int family, int protocol, SocketVisitor visitor, uint states = StatesWithSocket, byte extensions = 0)
    {
        Span<byte> request = stackalloc byte[RequestLength];
        WriteBody(request, family, protocol, extensions, states);
        _visitor = visitor;
        int error = _dump.Run(request, SOCK_DIAG_BY_FAMILY, _show);
        _visitor = null;
        return error switch
        {
            0 => true,
            Errno.ENOENT or Errno.EINVAL or Errno.EOPNOTSUPP => false,
            _ => throw new LinuxException(error, "list the sockets", Subject),
        };
    }

    /// <summary>Shows one TCP connection, which costs the same however many there are; false where there is none between these ends (a listening socket is none).</summary>
    /// <param name="local">The local address, 4 or 16 bytes.</param>
    /// <param name="localPort">Its port.</param>
    /// <param name="peer">The peer's, as long.</param>
    /// <param name="peerPort">Its port.</param>
    /// <param name="visitor">Called on this thread.</param>
    /// <param name="withInfo">True to have its <c>tcp_info</c> with it.</param>
    internal bool TryFind(ReadOnlySpan<byte> local, ushort localPort, ReadOnlySpan<byte> peer, ushort peerPort, SocketVisitor visitor, bool withInfo = false)
    {
        Span<byte> request = stackalloc byte[RequestLength];
        WriteConnection(request, withInfo ? Info : (byte)0, local, localPort, peer, peerPort);
        _single.Send(request);

        // The answer is there when the request has been sent.
        bool isFound = _single.Receive(_answer, out _) == NetlinkReceiveResult.Messages
            && TryReadSocket(_answer.Message(0), out SocketDiagnosticMessage socket) && socket.PeerPort == peerPort;
        if (isFound && TryReadSocket(_answer.Message(0), out SocketDiagnosticMessage found))
        {
            visitor(found);
        }

        return isFound;
    }

    /// <summary>
    /// Ends the TIME-WAIT of a connection, so that its addresses and ports are free again; false where there is none in TIME-WAIT, or the kernel can't (CONFIG_INET_DIAG_DESTROY, CAP_NET_ADMIN).
    /// </summary>
    /// <param name="local">The local address, 4 or 16 bytes.</param>
    /// <param name="localPort">Its port.</param>
    /// <param name="peer">The peer's, as long.</param>
    /// <param name="peerPort">Its port.</param>
    internal bool TryEndTimeWait(ReadOnlySpan<byte> local, ushort localPort, ReadOnlySpan<byte> peer, ushort peerPort)
    {
        bool isOver = false;
        if (!TryFind(local, localPort, peer, peerPort, (in SocketDiagnosticMessage socket) => isOver = socket.State == TCP_TIME_WAIT) || !isOver)
        {
            return false;
        }

        Span<byte> request = stackalloc byte[RequestLength];
        WriteConnection(request, 0, local, localPort, peer, peerPort);
        MemoryMarshal.Write(request[4..], SOCK_DESTROY);
        MemoryMarshal.Write(request[6..], (ushort)(NLM_F_REQUEST | NLM_F_ACK));
        _single.Send(request);
        return _single.Receive(_answer, out _) == NetlinkReceiveResult.Messages
            && new NetlinkReader(_answer.Message(0)).TryRead(out NetlinkMessage message)
            && message.Type == NLMSG_ERROR && MemoryMarshal.Read<int>(message.Body) == 0;
    }

    public void Dispose()
    {
        _dump.Dispose();
        _single.Dispose();
        _answer.Dispose();
    }

    /// <summary>
    /// True if the connection's segments are signed with TCP MD5 (RFC 2385), which the kernel tells who has CAP_NET_ADMIN. False also where it does not find
    /// the connection in the calling thread's network namespace, as one that is bound to an interface.
    /// </summary>
    /// <param name="local">The local address, 4 or 16 bytes.</param>
    /// <param name="localPort">Its port.</param>
    /// <param name="peer">The peer's, as long.</param>
    /// <param name="peerPort">Its port.</param>
    internal static bool IsMd5Signed(ReadOnlySpan<byte> local, ushort localPort, ReadOnlySpan<byte> peer, ushort peerPort)
    {
        Span<byte> request = stackalloc byte[RequestLength];

        // Signatures come only to who asks for INET_DIAG_INFO.
        WriteConnection(request, Info, local, localPort, peer, peerPort);
        using NetlinkSocket socket = NetlinkSocket.Open(NETLINK_SOCK_DIAG, Subject);
        using var buffer = new NetlinkReceiveBuffer(1, 8192, touch: false);
        socket.Send(request);
        return socket.Receive(buffer, out _) == NetlinkReceiveResult.Messages && HasSignature(buffer.Message(0));
    }

    private static void WriteConnection(
        Span<byte> request, byte extensions, ReadOnlySpan<byte> local, ushort localPort, ReadOnlySpan<byte> peer, ushort peerPort)
    {
        WriteBody(request, local.Length == 4 ? Libc.AF_INET : Libc.AF_INET6, Libc.IPPROTO_TCP, extensions, uint.MaxValue);
        MemoryMarshal.Write(request, (uint)RequestLength);
        MemoryMarshal.Write(request[4..], SOCK_DIAG_BY_FAMILY);
        MemoryMarshal.Write(request[6..], NLM_F_REQUEST);
        Span<byte> body = request[NetlinkMessage.HeaderLength..];
        BinaryPrimitives.WriteUInt16BigEndian(body[8..], localPort);
        BinaryPrimitives.WriteUInt16BigEndian(body[10..], peerPort);
        local.CopyTo(body[12..28]);
        peer.CopyTo(body[28..44]);

        // No cookie: whichever socket has these addresses.
        body[48..56].Fill(0xff);
    }

    private static void WriteBody(Span<byte> request, int family, int protocol, byte extensions, uint states)
    {
        request.Clear();
        Span<byte> body = request[NetlinkMessage.HeaderLength..];
        body[0] = (byte)family;
        body[1] = (byte)protocol;
        body[2] = extensions;
        MemoryMarshal.Write(body[4..], states);
    }

    private void Show(in NetlinkMessage message)
    {
        if (message.Type == SOCK_DIAG_BY_FAMILY && SocketDiagnosticMessage.TryParse(message.Body, out SocketDiagnosticMessage socket))
        {
            _visitor!(socket);
        }
    }

    private static bool TryReadSocket(ReadOnlySpan<byte> datagram, out SocketDiagnosticMessage socket)
    {
        socket = default;
        return new NetlinkReader(datagram).TryRead(out NetlinkMessage message)
            && message.Type == SOCK_DIAG_BY_FAMILY && SocketDiagnosticMessage.TryParse(message.Body, out socket);
    }

    private static bool HasSignature(ReadOnlySpan<byte> datagram)
    {
        if (!TryReadSocket(datagram, out SocketDiagnosticMessage socket))
        {
            return false;
        }

        socket.ReadTcpAttributes(out _, out _, out bool isSigned);
        return isSigned;
    }
}
