using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <summary>Which connection, or which listening socket, a descriptor is.</summary>
internal static class SocketEndpoints
{
    private const int CookieLength = 8;

    /// <summary>What stands for the peer of a listening socket: no address, port 0.</summary>
    internal static FlowEndpoint NoPeer(FlowEndpoint local) => new(local.Address.IsIpv4 ? IpAddress.FromIpv4(0) : IpAddress.FromIpv6(new byte[16]), 0);

    /// <summary>True for what <see cref="NoPeer"/> gives.</summary>
    internal static bool IsNoPeer(FlowEndpoint peer) => peer == NoPeer(peer);

    /// <summary>As people write it: <c>192.0.2.1:80-192.0.2.2:49152</c>, or <c>0.0.0.0:80-*</c> for a listening socket.</summary>
    internal static string NameOf(FlowEndpoint local, FlowEndpoint peer) => IsNoPeer(peer) ? $"{local}-*" : $"{local}-{peer}";

    /// <summary>False for what is no TCP socket, or has neither a peer nor listens.</summary>
    internal static bool TryRead(FileDescriptor fd, string subject, out FlowEndpoint local, out FlowEndpoint peer)
    {
        local = default;
        peer = default;
        Span<byte> address = stackalloc byte[NativeSocket.MaxAddressLength];
        if (NativeSocket.GetInt(fd, Libc.SOL_SOCKET, Libc.SO_TYPE, "getsockopt(SO_TYPE)", subject) != Libc.SOCK_STREAM
            || !SocketAddress.TryRead(address[..NativeSocket.GetLocalAddress(fd, address, subject)], out local))
        {
            return false;
        }

        try
        {
            return SocketAddress.TryRead(address[..NativeSocket.GetPeerAddress(fd, address, subject)], out peer);
        }
        catch (LinuxException exception) when (exception.Errno == Errno.ENOTCONN)
        {
            return TryReadUnconnected(fd, subject, local, ref peer);
        }
    }

    private static bool TryReadUnconnected(FileDescriptor fd, string subject, FlowEndpoint local, ref FlowEndpoint peer)
    {
        switch (StateOf(fd))
        {
            case TcpState.Listen:
                peer = NoPeer(local);
                return true;
            case TcpState.SynSent:
                return TryFindPeer(fd, subject, ref peer);
            default:
                return false;
        }
    }

    /// <summary>Closed where it can't be told.</summary>
    internal static TcpState StateOf(FileDescriptor fd)
    {
        Span<byte> state = stackalloc byte[1];
        return NativeSocket.TryGet(fd, Libc.IPPROTO_TCP, Libc.TCP_INFO, state, out int length, out _) && length == 1 ? (TcpState)state[0] : TcpState.Closed;
    }

    /// <summary>getpeername(2) does not tell whom a socket in SYN-SENT calls; sock_diag does.</summary>
    private static bool TryFindPeer(FileDescriptor fd, string subject, ref FlowEndpoint peer)
    {
        if (DescribeCall(fd, subject) is not { } call)
        {
            return false;
        }

        peer = call.Peer;
        return true;
    }

    /// <summary>What sock_diag, in the socket's namespace, tells of a socket in SYN-SENT, which it knows by its cookie; null if it is in another state by now.</summary>
    internal static PendingCall? DescribeCall(FileDescriptor fd, string subject)
    {
        var cookie = new byte[CookieLength];
        int family = NativeSocket.GetInt(fd, Libc.SOL_SOCKET, Libc.SO_DOMAIN, "getsockopt(SO_DOMAIN)", subject);
        if (!NativeSocket.TryGet(fd, Libc.SOL_SOCKET, Libc.SO_COOKIE, cookie, out int length, out _) || length != CookieLength)
        {
            return null;
        }

        using FileDescriptor descriptor = NativeSocket.OpenNamespace(fd, subject);
        using NetworkNamespace network = NetworkNamespace.Open($"/proc/self/fd/{descriptor.Number}");
        return network.Run(() =>
        {
            PendingCall? one = null;
            using SocketDiagnostics diagnostics = SocketDiagnostics.Open();
            diagnostics.TryList(
                family, Libc.IPPROTO_TCP,
                (in SocketDiagnosticMessage socket) =>
                {
                    if (socket.Cookie.SequenceEqual(cookie))
                    {
                        one = new PendingCall(new FlowEndpoint(IpAddress.FromBytes(socket.PeerAddress).Unmapped, socket.PeerPort), socket.TimerMilliseconds);
                    }
                },
                1u << (int)TcpState.SynSent);
            return one;
        });
    }

    /// <param name="Peer">Who is called.</param>
    /// <param name="NextSynMilliseconds">When the SYN is sent again.</param>
    internal sealed record PendingCall(FlowEndpoint Peer, uint NextSynMilliseconds);
}
