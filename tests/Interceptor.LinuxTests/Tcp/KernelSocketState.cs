using System.Net.Sockets;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.LinuxTests.Tcp;

/// <summary>
/// What the kernel says of one of the test's own sockets: TCP_REPAIR for a few microseconds in any state, TCP_INFO, and the three queue lengths.
/// Comes back equal only if no segment reached or left the socket in between.
/// <para>Only while both directions are held: as long as the send queue is selected, whatever lets a socket send (an acknowledgment, a loss probe) makes the
/// kernel count unsent data as sent, and no segment leaves (tcp_write_xmit). <see cref="IsDisturbed"/> tells.</para>
/// </summary>
internal sealed record KernelSocketState(TcpSnapshot Snapshot, uint SegmentsIn, uint SegmentsOut, uint SegmentsSacked, bool IsDisturbed)
{
    internal static KernelSocketState Read(Socket socket, FlowEndpoint local, FlowEndpoint peer) => Borrow(socket, fd => Read(fd, local, peer));

    /// <summary>What can be read at any time.</summary>
    internal static SocketGlance Glance(Socket socket) => Borrow(socket, fd =>
    {
        Libc.tcp_info info = ReadInfo(fd);
        return new SocketGlance((TcpState)info.tcpi_state, Queued(fd), Unsent(fd), info.tcpi_snd_wnd, Sacked(fd), Backoff(fd));
    });

    /// <summary>The state, of any socket.</summary>
    internal static TcpState StateOf(Socket socket) => Borrow(socket, static fd => (TcpState)ReadInfo(fd).tcpi_state);

    /// <summary>How many segments came out of order.</summary>
    internal static uint OutOfOrderSegments(Socket socket) => Borrow(socket, fd => ReadInfo(fd).tcpi_rcv_ooopack);

    /// <summary>How many segments were sent again.</summary>
    internal static uint Retransmissions(Socket socket) => Borrow(socket, fd => ReadInfo(fd).tcpi_total_retrans);

    /// <summary>Resets the connection; the socket stays, unconnected.</summary>
    internal static void Reset(Socket socket) => Borrow(socket, fd =>
    {
        NativeSocket.Disconnect(fd, "socket");
        return true;
    });

    private static T Borrow<T>(Socket socket, Func<FileDescriptor, T> read)
    {
        // Given back by Detach, so that the handle never closes it.
        var fd = new FileDescriptor((int)socket.SafeHandle.DangerousGetHandle());
        try
        {
            return read(fd);
        }
        finally
        {
            fd.Detach();
            GC.KeepAlive(socket);
        }
    }

    private static KernelSocketState Read(FileDescriptor fd, FlowEndpoint local, FlowEndpoint peer)
    {
        int unsent = Unsent(fd);
        Set(fd, Libc.TCP_REPAIR, Libc.TCP_REPAIR_ON);
        try
        {
            SequenceNumber rcvNxt = ReadSequence(fd, Libc.TCP_RECV_QUEUE);
            SequenceNumber writeSeq = ReadSequence(fd, Libc.TCP_SEND_QUEUE);
            Set(fd, Libc.TCP_REPAIR_QUEUE, Libc.TCP_NO_QUEUE);
            var window = NativeSocket.GetStruct<Libc.tcp_repair_window>(fd, Libc.IPPROTO_TCP, Libc.TCP_REPAIR_WINDOW, "getsockopt", "window");
            Libc.tcp_info info = ReadInfo(fd);
            var state = (TcpState)info.tcpi_state;
            var snapshot = new TcpSnapshot
            {
                Local = local,
                Peer = peer,
                State = state,
                WriteSeq = writeSeq,
                SndUna = writeSeq - Queued(fd),
                SndNxt = writeSeq - Unsent(fd),
                SndWnd = window.snd_wnd,
                SndWl1 = new SequenceNumber(window.snd_wl1),
                MaxWindow = window.max_window,
                RcvNxt = rcvNxt,
                CopiedSeq = rcvNxt - NativeSocket.IoctlInt(fd, Libc.SIOCINQ, "ioctl(SIOCINQ)", "socket") - (HasFin(state) ? 1 : 0),
                RcvWnd = window.rcv_wnd,
                RcvWup = new SequenceNumber(window.rcv_wup),
                MssClamp = NativeSocket.GetInt(fd, Libc.IPPROTO_TCP, Libc.TCP_MAXSEG, "getsockopt(TCP_MAXSEG)", "socket"),
                WindowScaling = (info.tcpi_options & Libc.TCPI_OPT_WSCALE) != 0,
                SndWindowScale = info.tcpi_wscale & 0xF,
                RcvWindowScale = info.tcpi_wscale >> 4,
                SackPermitted = (info.tcpi_options & Libc.TCPI_OPT_SACK) != 0,
                Timestamps = (info.tcpi_options & Libc.TCPI_OPT_TIMESTAMPS) != 0,
                FinQueued = state is TcpState.FinWait1 or TcpState.FinWait2 or TcpState.Closing or TcpState.LastAck,
                FinReceived = HasFin(state),
            };
            return new KernelSocketState(snapshot, info.tcpi_segs_in, info.tcpi_segs_out, Sacked(fd), Unsent(fd) != unsent);
        }
        finally
        {
            Set(fd, Libc.TCP_REPAIR, Libc.TCP_REPAIR_OFF_NO_WP);
        }
    }

    private static bool HasFin(TcpState state) => state is TcpState.CloseWait or TcpState.LastAck or TcpState.Closing;

    private static Libc.tcp_info ReadInfo(FileDescriptor fd) =>
        NativeSocket.GetStruct<Libc.tcp_info>(fd, Libc.IPPROTO_TCP, Libc.TCP_INFO, "getsockopt(TCP_INFO)", "socket");

    private static int Queued(FileDescriptor fd) => NativeSocket.IoctlInt(fd, Libc.SIOCOUTQ, "ioctl(SIOCOUTQ)", "socket");

    private static int Unsent(FileDescriptor fd) => NativeSocket.IoctlInt(fd, Libc.SIOCOUTQNSD, "ioctl(SIOCOUTQNSD)", "socket");

    // tcpi_sacked of struct tcp_info.
    private static uint Sacked(FileDescriptor fd) => BitConverter.ToUInt32(ReadInfoHead(fd), 28);

    // tcpi_backoff.
    private static int Backoff(FileDescriptor fd) => ReadInfoHead(fd)[4];

    private static byte[] ReadInfoHead(FileDescriptor fd)
    {
        byte[] info = new byte[32];
        Assert.True(NativeSocket.TryGet(fd, Libc.IPPROTO_TCP, Libc.TCP_INFO, info, out _, out int errno), $"TCP_INFO: error {errno}");
        return info;
    }

    private static SequenceNumber ReadSequence(FileDescriptor fd, int queue)
    {
        Set(fd, Libc.TCP_REPAIR_QUEUE, queue);
        return new SequenceNumber((uint)NativeSocket.GetInt(fd, Libc.IPPROTO_TCP, Libc.TCP_QUEUE_SEQ, "getsockopt(TCP_QUEUE_SEQ)", "socket"));
    }

    private static void Set(FileDescriptor fd, int option, int value) => NativeSocket.SetInt(fd, Libc.IPPROTO_TCP, option, value, "setsockopt", "socket");
}
