using System.Globalization;
using System.Runtime.InteropServices;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <summary>
/// Everything that would keep an image from being restored in the calling thread's network namespace, or change the connection there; found with sockets of our own, without
/// a packet. Any thread.
/// </summary>
public static class RestorePreflight
{
    private const int IpHeaders = 20;
    private const int Ipv6Headers = 40;
    private const int TcpHeader = 20;

    /// <summary>Looks. Empty where nothing stands in the way.</summary>
    public static IReadOnlyList<CheckpointObstacle> Inspect(SessionImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        IEnumerable<CheckpointObstacle?> found =
        [
            RepairPermission.Inspect(), Device(image), Address(image), Existing(image), CongestionControl(image), Tracking(image), OtherClock(image),
            ReversePath.Inspect(image.Snapshot.Local, image.Snapshot.Peer), .. Path(image),
        ];
        return [.. found.OfType<CheckpointObstacle>()];
    }

    private static CheckpointObstacle? Device(SessionImage image)
    {
        string device = image.Settings.BoundDevice;
        if (device.Length == 0)
        {
            return null;
        }

        return LinuxInterfaces.IndexOf(device) == 0
            ? new CheckpointObstacle("device", $"the socket is bound to the interface {device}, which is not here", $"Make an interface of that name: ip link add {device} ...")
            : PeerSegment.IsNeededFor(image.Snapshot.State) && device != "lo"
                ? new CheckpointObstacle("device", $"its state ({image.Snapshot.State.ToRfcName()}) is restored with segments through the loopback, which a socket bound to {device} does not see", "")
                : null;
    }

    private static CheckpointObstacle? Address(SessionImage image)
    {
        FlowEndpoint local = image.Snapshot.Local;
        bool isFree = image.Settings.Options.TryGetValue("IP_FREEBIND", out int[]? free) && free[0] != 0;
        return isFree || TryBind(local)
            ? null
            : new CheckpointObstacle(
                "address", $"this network namespace does not have the address {local.Address}",
                $"Add it (ip address add {local.Address} dev ...), or restore in the namespace that has it (--netns NAME).");
    }

    private static CheckpointObstacle? Existing(SessionImage image)
    {
        TcpSnapshot snapshot = image.Snapshot;
        if (snapshot.State == TcpState.Listen)
        {
            return TryListen(snapshot.Local, image.Settings.IsIpv6Socket)
                ? null
                : new CheckpointObstacle("exists", $"another socket listens on {snapshot.Local} already, or keeps the port", "End that socket first.");
        }

        using SocketDiagnostics diagnostics = SocketDiagnostics.Open();
        Span<byte> local = stackalloc byte[snapshot.Local.Address.Length];
        Span<byte> peer = stackalloc byte[local.Length];
        snapshot.Local.Address.CopyTo(local);
        snapshot.Peer.Address.CopyTo(peer);
        TcpState state = TcpState.Unknown;
        bool exists = diagnostics.TryFind(
            local, snapshot.Local.Port, peer, snapshot.Peer.Port, (in SocketDiagnosticMessage socket) => state = (TcpState)socket.State);
        return exists && state != TcpState.TimeWait
            ? new CheckpointObstacle(
                "exists", $"the same connection exists here ({state.ToRfcName()}): its original was not taken away, or it has been restored already", "End that socket first.")
            : null;
    }

    private static IEnumerable<CheckpointObstacle?> Path(SessionImage image)
    {
        TcpSnapshot snapshot = image.Snapshot;
        if (snapshot.State == TcpState.Listen)
        {
            yield break;
        }

        bool isIpv4 = snapshot.Peer.Address.IsIpv4;
        using FileDescriptor fd = NativeSocket.Create(isIpv4 ? Libc.AF_INET : Libc.AF_INET6, Libc.SOCK_DGRAM, 0);
        var address = new byte[NativeSocket.MaxAddressLength];
        int length = SocketAddress.Write(snapshot.Peer, !isIpv4, address);
        CheckpointObstacle? unreachable = null;
        try
        {
            // A datagram socket's connect looks the route up and sends nothing.
            NativeSocket.Connect(fd, address.AsSpan(0, length), snapshot.Peer.ToString());
        }
        catch (LinuxException exception)
        {
            unreachable = new CheckpointObstacle(
                "route", $"there is no way to {snapshot.Peer.Address} ({Marshal.GetPInvokeErrorMessage(exception.Errno)})", "Bring the interface up, or add a route: ip route add ...");
        }

        if (unreachable is not null)
        {
            yield return unreachable;
            yield break;
        }

        int mtu = SocketSettingsIo.ReadOptionalInt(fd, isIpv4 ? Libc.IPPROTO_IP : Libc.IPPROTO_IPV6, isIpv4 ? Libc.IP_MTU : Libc.IPV6_MTU, 0);
        int segment = mtu - TcpHeader - (isIpv4 ? IpHeaders : Ipv6Headers);
        if (mtu > 0 && segment < image.Counters.SendMss)
        {
            yield return new CheckpointObstacle(
                "mtu",
                string.Create(CultureInfo.InvariantCulture, $"the path takes packets of {mtu} bytes: segments get smaller than the {image.Counters.SendMss} bytes they had"),
                "", IsLoss: true);
        }
    }

    private static CheckpointObstacle? CongestionControl(SessionImage image)
    {
        if (image.Settings.CongestionControl.Length == 0)
        {
            return null;
        }

        using FileDescriptor fd = NativeSocket.Create(Libc.AF_INET, Libc.SOCK_STREAM, Libc.IPPROTO_TCP);
        int errno = NativeSocket.TrySet(fd, Libc.IPPROTO_TCP, Libc.TCP_CONGESTION, System.Text.Encoding.ASCII.GetBytes(image.Settings.CongestionControl));
        return errno == 0
            ? null
            : new CheckpointObstacle(
                "congestion-control", $"the congestion control '{image.Settings.CongestionControl}' is not to be had: the default is used", "Load its module: modprobe tcp_...", IsLoss: true);
    }

    private static CheckpointObstacle? Tracking(SessionImage image) => ConnectionTracking.IsStrict && !ConnectionTracking.CanAsk(image.Snapshot)
        ? new CheckpointObstacle(
            "conntrack", "connection tracking takes up no connection whose handshake it did not see, its table can't be asked, and rules that drop what is INVALID would end this one",
            "Set net.netfilter.nf_conntrack_tcp_loose=1, or get CAP_NET_ADMIN and a kernel with ctnetlink.", IsLoss: true)
        : null;

    private static CheckpointObstacle? OtherClock(SessionImage image) => image.Snapshot.Timestamps && image.BootId != PausedSocket.CurrentBootId
        ? new CheckpointObstacle(
            "clock", "it was taken under another boot or on another machine: its timestamps go on by the wall clock, and if that is behind, the peer throws away what comes", "Let both clocks be set by NTP.",
            IsLoss: true)
        : null;

    /// <summary>Binds as the restore would, and does not listen.</summary>
    private static bool TryListen(FlowEndpoint local, bool isIpv6Socket)
    {
        using FileDescriptor fd = NativeSocket.Create(isIpv6Socket ? Libc.AF_INET6 : Libc.AF_INET, Libc.SOCK_STREAM, Libc.IPPROTO_TCP);
        NativeSocket.SetInt(fd, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 1, "setsockopt(SO_REUSEADDR)", local.ToString());
        Span<byte> address = stackalloc byte[NativeSocket.MaxAddressLength];
        int length = SocketAddress.Write(local, isIpv6Socket, address);
        try
        {
            NativeSocket.Bind(fd, address[..length], local.ToString());
            return true;
        }
        catch (LinuxException exception) when (exception.Errno == Errno.EADDRINUSE)
        {
            return false;
        }
        catch (LinuxException exception) when (exception.Errno == Errno.EADDRNOTAVAIL)
        {
            // Told by itself.
            return true;
        }
    }

    private static bool TryBind(FlowEndpoint local)
    {
        bool isIpv4 = local.Address.IsIpv4;
        using FileDescriptor fd = NativeSocket.Create(isIpv4 ? Libc.AF_INET : Libc.AF_INET6, Libc.SOCK_STREAM, Libc.IPPROTO_TCP);
        Span<byte> address = stackalloc byte[NativeSocket.MaxAddressLength];
        int length = SocketAddress.Write(local with { Port = 0 }, !isIpv4, address);
        try
        {
            NativeSocket.Bind(fd, address[..length], local.ToString());
            return true;
        }
        catch (LinuxException exception) when (exception.Errno == Errno.EADDRNOTAVAIL)
        {
            return false;
        }
    }
}
