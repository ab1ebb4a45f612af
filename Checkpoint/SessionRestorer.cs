using System.Runtime.InteropServices;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <summary>
/// Makes a socket that goes on with a checkpointed connection. The socket is made in the calling thread's network namespace, which must have the
/// image's local address and a route to its peer; until <see cref="RestoredSocket.Resume"/> it is in repair and sends nothing.
/// The peer's packets must be held or dropped from before the original is closed until this returns, or the kernel resets the connection.
/// <para>Never changes the image. Threads: any; one restore each.</para>
/// </summary>
public static partial class SessionRestorer
{
    /// <summary>The kernel takes no more at once into a receive queue in repair (17 pages, measured on 6.18).</summary>
    private const int ReceiveChunk = 64 * 1024;
    private const int SmallestChunk = 1024;

    /// <summary>setsockopt(TCP_MAXSEG) takes at most MAX_TCP_WINDOW (net/ipv4/tcp.c); loopback's own is larger.</summary>
    private const int MaxSettableMss = 32767;

    /// <summary>And at least TCP_MIN_MSS (include/net/tcp.h), though a peer may ask for less.</summary>
    private const int MinSettableMss = 88;

    /// <summary>TCP_MSS_DEFAULT (include/net/tcp.h).</summary>
    private const int DefaultMss = 536;

    /// <summary>How far ahead of the running clock the restored timestamps start, in ticks: overshoot is harmless, undershoot is not (PAWS).</summary>
    private const uint TimestampMargin = 2;

    /// <summary>A process that was killed is not gone at once on a busy machine, and its socket with it.</summary>
    private const long TuplePatienceMilliseconds = 200;

    /// <summary>Builds the socket.</summary>
    /// <param name="image">The image.</param>
    /// <param name="mark">The firewall mark of what a half-closed connection's socket is sent to bring it into its state; the lock must let it pass.</param>
    /// <exception cref="CheckpointException">A step failed; the half-made socket is closed silently, the image is as it was, and the restore can be tried again.</exception>
    public static RestoredSocket Restore(SessionImage image, uint mark = 0)
    {
        ArgumentNullException.ThrowIfNull(image);
        string subject = $"connection {SocketEndpoints.NameOf(image.Snapshot.Local, image.Snapshot.Peer)}";
        RequireRestorable(image);
        var warnings = new List<string>(image.Warnings);
        string step = "socket";
        FileDescriptor? fd = null;
        RestoredSocket? restored = null;
        try
        {
            if (image.Snapshot.State is TcpState.SynSent or TcpState.Listen)
            {
                return RestoreEarlyState(image, subject, warnings, ref fd, ref step);
            }

            fd = NativeSocket.Create(image.Settings.IsIpv6Socket ? Libc.AF_INET6 : Libc.AF_INET, Libc.SOCK_STREAM, Libc.IPPROTO_TCP);
            step = "enter repair";
            Set(fd, Libc.TCP_REPAIR, Libc.TCP_REPAIR_ON, "setsockopt(TCP_REPAIR)", subject);
            step = "options before bind";
            ApplyEarlyOptions(fd, image, subject, warnings);
            step = "bind";
            Bind(fd, image, subject);
            step = "sequence numbers";
            SetSequences(fd, image.Snapshot, subject);
            step = "connect";
            Connect(fd, image, subject);
            step = "negotiated options";
            SetNegotiatedOptions(fd, image, subject);
            step = "receive queue";
            FillReceiveQueue(fd, image, subject);
            step = "send queue";
            FillSendQueue(fd, image, subject);
            step = "windows";
            SetWindow(fd, image.Snapshot, subject);
            step = "state";
            PeerSegment? peer = PeerSegment.IsNeededFor(image.Snapshot.State) ? new PeerSegment(image.Snapshot, mark, subject) : null;
            restored = new RestoredSocket(fd, image, warnings, peer, subject);
            restored.EnterState();
            return restored;
        }
        catch (LinuxException exception)
        {
            // Still in repair, so this close sends nothing.
            restored?.Dispose();
            fd?.Dispose();
            throw new CheckpointException(
                $"restore ({step})", $"{exception.Message}{Remedy(exception, image)}",
                "The image is unchanged: the restore can be tried again.", cause: exception);
        }
        catch
        {
            restored?.Dispose();
            fd?.Dispose();
            throw;
        }
    }

    private static void RequireRestorable(SessionImage image)
    {
        TcpSnapshot snapshot = image.Snapshot;
        bool isConsistent = SocketEligibility.IsTaken(snapshot.State) && snapshot.SndUna <= snapshot.SndNxt && snapshot.SndNxt <= snapshot.WriteSeq
            && snapshot.CopiedSeq <= snapshot.RcvNxt && image.SendQueue.Length == snapshot.QueuedBytes
            && image.ReceiveQueue.Length == snapshot.UnreadBytes && snapshot.Local.Address.Version == snapshot.Peer.Address.Version
            && snapshot.SndWindowScale <= 14 && snapshot.RcvWindowScale <= 14;
        if (!isConsistent)
        {
            throw new CheckpointException(
                "restore", $"the image of {snapshot.Local}-{snapshot.Peer} ({snapshot.State.ToRfcName()}) is not one of a connection "
                + "with both its queues.", CheckpointException.NothingChanged, CheckpointFailure.BadImage);
        }
    }

    /// <summary>Buffers, congestion control and MSS belong before the handshake-less connect, which derives the window clamp and the segment size from them.</summary>
    private static void ApplyEarlyOptions(FileDescriptor fd, SessionImage image, string subject, List<string> warnings)
    {
        SocketSettings settings = image.Settings;
        SocketSettingsIo.Apply(fd, settings, OptionPhase.BeforeBind, warnings);
        if (settings.BoundDevice.Length > 0)
        {
            ReadOnlySpan<byte> name = System.Text.Encoding.ASCII.GetBytes(settings.BoundDevice + '\0');
            NativeSocket.SetStruct(fd, Libc.SOL_SOCKET, Libc.SO_BINDTODEVICE, name, "setsockopt(SO_BINDTODEVICE)", settings.BoundDevice);
        }

        // The original size, not a huge one: the first advertised window would promise memory that the socket does not have. One that calls announces its window scale, which a
        // size set by hand decides, and has announced it before.
        bool isCalling = image.Snapshot.State == TcpState.SynSent;
        if (!isCalling || (settings.BufferLock & Libc.SOCK_RCVBUF_LOCK) != 0)
        {
            SetReceiveBuffer(fd, Math.Max(settings.ReceiveBuffer / 2, 1), subject);
        }

        SetBuffer(fd, Libc.SO_SNDBUFFORCE, Libc.SO_SNDBUF, LargeSendBuffer(image), "setsockopt(SO_SNDBUFFORCE)", subject);
        if (settings.CongestionControl.Length > 0)
        {
            byte[] name = System.Text.Encoding.ASCII.GetBytes(settings.CongestionControl);
            int errno = NativeSocket.TrySet(fd, Libc.IPPROTO_TCP, Libc.TCP_CONGESTION, name);
            if (errno != 0)
            {
                warnings.Add($"congestion control '{settings.CongestionControl}' is not to be had: {Marshal.GetPInvokeErrorMessage(errno)}; the default is used.");
            }
        }

        // Without this, connect computes its segment size from the default of 536 and may keep it for the rest of the connection. Before a handshake there is no size yet, and
        // the default is what stands for no limit.
        if (image.Snapshot.MssClamp > 0 && image.Snapshot.State != TcpState.SynSent && !(image.Snapshot.State == TcpState.Listen && image.Snapshot.MssClamp == DefaultMss))
        {
            Set(fd, Libc.TCP_MAXSEG, Math.Clamp(image.Snapshot.MssClamp, MinSettableMss, MaxSettableMss), "setsockopt(TCP_MAXSEG)", subject);
        }
    }

    /// <summary>Twice the queue and its bookkeeping for small segments, so that filling it never comes up short.</summary>
    internal static int LargeSendBuffer(SessionImage image) =>
        (int)Math.Min(int.MaxValue / 4, Math.Max(image.Settings.SendBuffer / 2, (image.SendQueue.Length * 4L) + (1 << 20)));

    private static void Bind(FileDescriptor fd, SessionImage image, string subject)
    {
        Span<byte> address = stackalloc byte[NativeSocket.MaxAddressLength];
        int length = SocketAddress.Write(image.Snapshot.Local, image.Settings.IsIpv6Socket, address);
        NativeSocket.Bind(fd, address[..length], image.Snapshot.Local.ToString());
    }

    private static void SetSequences(FileDescriptor fd, TcpSnapshot snapshot, string subject)
    {
        Set(fd, Libc.TCP_REPAIR_QUEUE, Libc.TCP_RECV_QUEUE, "setsockopt(TCP_REPAIR_QUEUE)", subject);
        Set(fd, Libc.TCP_QUEUE_SEQ, (int)snapshot.CopiedSeq.Value, "setsockopt(TCP_QUEUE_SEQ)", subject);
        Set(fd, Libc.TCP_REPAIR_QUEUE, Libc.TCP_SEND_QUEUE, "setsockopt(TCP_REPAIR_QUEUE)", subject);

        // Where our FIN is acknowledged, SND.UNA is behind it; it is sent once more, in repair.
        SequenceNumber first = snapshot.WriteSeq - (snapshot.FinQueued ? 1 : 0) - snapshot.QueuedBytes;
        Set(fd, Libc.TCP_QUEUE_SEQ, (int)first.Value, "setsockopt(TCP_QUEUE_SEQ)", subject);
        Set(fd, Libc.TCP_REPAIR_QUEUE, Libc.TCP_NO_QUEUE, "setsockopt(TCP_REPAIR_QUEUE)", subject);
    }

    /// <summary>In repair, connect sends nothing and is established at once. The original's 4-tuple may linger for an instant after its close.</summary>
    private static void Connect(FileDescriptor fd, SessionImage image, string subject)
    {
        Span<byte> address = stackalloc byte[NativeSocket.MaxAddressLength];
        int length = SocketAddress.Write(image.Snapshot.Peer, image.Settings.IsIpv6Socket, address);
        long start = Environment.TickCount64;
        while (true)
        {
            try
            {
                NativeSocket.Connect(fd, address[..length], subject);
                return;
            }
            catch (LinuxException exception) when (exception.Errno == Errno.EADDRNOTAVAIL && Environment.TickCount64 - start < TuplePatienceMilliseconds)
            {
                Thread.Sleep(TimeSpan.FromMilliseconds(0.5));
            }
        }
    }

    private static void SetNegotiatedOptions(FileDescriptor fd, SessionImage image, string subject)
    {
        TcpSnapshot snapshot = image.Snapshot;
        Span<Libc.tcp_repair_opt> options = stackalloc Libc.tcp_repair_opt[4];
        int count = 0;
        if (snapshot.SackPermitted)
        {
            options[count++] = new() { opt_code = Libc.TCPOPT_SACK_PERM };
        }

        if (snapshot.WindowScaling)
        {
            options[count++] = new() { opt_code = Libc.TCPOPT_WINDOW, opt_val = (uint)(snapshot.SndWindowScale | (snapshot.RcvWindowScale << 16)) };
        }

        if (snapshot.Timestamps)
        {
            options[count++] = new() { opt_code = Libc.TCPOPT_TIMESTAMP };
        }

        options[count++] = new() { opt_code = Libc.TCPOPT_MSS, opt_val = (uint)snapshot.MssClamp };
        NativeSocket.SetStruct<Libc.tcp_repair_opt>(
            fd, Libc.IPPROTO_TCP, Libc.TCP_REPAIR_OPTIONS, options[..count], "setsockopt(TCP_REPAIR_OPTIONS)", subject);
        if (snapshot.Timestamps)
        {
            Set(fd, Libc.TCP_TIMESTAMP, (int)RunningTimestamp(image), "setsockopt(TCP_TIMESTAMP)", subject);
        }
    }

    /// <summary>
    /// The timestamp clock as if it had never stopped: what the old socket may have emitted since the cut must not look newer than what the new
    /// one sends, or the peer discards that (PAWS). The value's lowest bit tells the kernel whether the clock counts microseconds.
    /// </summary>
    internal static uint RunningTimestamp(SessionImage image)
    {
        bool isSameBoot = image.BootId == PausedSocket.CurrentBootId;
        long elapsed = isSameBoot
            ? Clock.BootTimeNanoseconds() - image.CutBootTimeNanoseconds
            : Clock.RealtimeNanoseconds() - image.CutAt.Nanoseconds;
        long ticks = Math.Max(elapsed, 0) / (image.MicrosecondTimestamps ? 1_000 : 1_000_000);
        uint value = unchecked(image.Snapshot.TimestampValue + (uint)ticks + TimestampMargin);
        return image.MicrosecondTimestamps ? value | 1u : value & ~1u;
    }

    private static void FillReceiveQueue(FileDescriptor fd, SessionImage image, string subject)
    {
        if (image.ReceiveQueue.IsEmpty)
        {
            return;
        }

        Set(fd, Libc.TCP_REPAIR_QUEUE, Libc.TCP_RECV_QUEUE, "setsockopt(TCP_REPAIR_QUEUE)", subject);
        bool isEnlarged = false;
        ReadOnlySpan<byte> rest = image.ReceiveQueue.Span;
        int chunk = ReceiveChunk;
        while (rest.Length > 0)
        {
            int count = NativeSocket.TrySend(fd, rest[..Math.Min(chunk, rest.Length)], Libc.MSG_DONTWAIT);
            if (count > 0)
            {
                rest = rest[count..];
            }
            else if (chunk > SmallestChunk)
            {
                chunk /= 2;
            }
            else if (!isEnlarged)
            {
                // The original held these bytes in fewer, fuller buffers; the size is put back below.
                isEnlarged = true;
                chunk = ReceiveChunk;
                SetReceiveBuffer(fd, Math.Max(image.Settings.ReceiveBuffer, image.ReceiveQueue.Length * 2), subject);
            }
            else
            {
                throw new LinuxException(-count, "send to the receive queue", subject, $"{rest.Length} of {image.ReceiveQueue.Length} bytes did not fit.");
            }
        }

        if (isEnlarged)
        {
            SetReceiveBuffer(fd, image.Settings.ReceiveBuffer / 2, subject);
        }
    }

    /// <summary>What was sent goes straight into the retransmit queue; the unsent rest is written after repair, as ordinary data.</summary>
    private static void FillSendQueue(FileDescriptor fd, SessionImage image, string subject)
    {
        ReadOnlySpan<byte> rest = image.SentPart.Span;
        if (!rest.IsEmpty)
        {
            Set(fd, Libc.TCP_REPAIR_QUEUE, Libc.TCP_SEND_QUEUE, "setsockopt(TCP_REPAIR_QUEUE)", subject);
        }

        while (rest.Length > 0)
        {
            int count = NativeSocket.TrySend(fd, rest, Libc.MSG_DONTWAIT);
            if (count <= 0)
            {
                throw new LinuxException(-count, "send to the send queue", subject, $"{rest.Length} bytes did not fit.");
            }

            rest = rest[count..];
        }

        Set(fd, Libc.TCP_REPAIR_QUEUE, Libc.TCP_NO_QUEUE, "setsockopt(TCP_REPAIR_QUEUE)", subject);
    }

    private static void SetWindow(FileDescriptor fd, TcpSnapshot snapshot, string subject)
    {
        // The peer's FIN comes once more: until then RCV.NXT is before it, and the window's right edge stays where it was.
        uint fin = snapshot.FinReceived ? 1u : 0u;
        var window = new Libc.tcp_repair_window
        {
            snd_wl1 = snapshot.SndWl1.Value,
            snd_wnd = snapshot.SndWnd,
            max_window = Math.Max(snapshot.MaxWindow, snapshot.SndWnd),
            rcv_wnd = snapshot.RcvWnd + fin,
            rcv_wup = (snapshot.RcvWup - (int)fin).Value,
        };
        NativeSocket.SetStruct<Libc.tcp_repair_window>(
            fd, Libc.IPPROTO_TCP, Libc.TCP_REPAIR_WINDOW, [window], "setsockopt(TCP_REPAIR_WINDOW)", subject);

        // The limit has done its work in connect; from here on the path decides.
        Set(fd, Libc.TCP_MAXSEG, 0, "setsockopt(TCP_MAXSEG)", subject);
    }

    private static string Remedy(LinuxException exception, SessionImage image) => exception switch
    {
        { IsPermission: true } => " Restoring a connection needs CAP_NET_ADMIN over the network namespace: run as root.",
        { Operation: "bind", Errno: Errno.EADDRNOTAVAIL } =>
            $" This network namespace does not have the address {image.Snapshot.Local.Address}: add it (ip address add {image.Snapshot.Local.Address} dev ...) "
            + "or restore in the namespace that has it (--netns NAME).",
        { Operation: "bind", Errno: Errno.EADDRINUSE } => " Another socket holds the port: end it first.",
        { Operation: "connect", Errno: Errno.EADDRNOTAVAIL } =>
            " The same connection still exists in this network namespace: its original was not taken away, or it has been restored already.",
        { Operation: "connect", Errno: Errno.ENETUNREACH or Errno.EHOSTUNREACH or Errno.ENETDOWN } =>
            $" There is no route to {image.Snapshot.Peer.Address}: bring the interface up or add a route.",
        _ => "",
    };

    private static void Set(FileDescriptor fd, int name, int value, string operation, string subject) =>
        NativeSocket.SetInt(fd, Libc.IPPROTO_TCP, name, value, operation, subject);

    private static void SetReceiveBuffer(FileDescriptor fd, int value, string subject) =>
        SetBuffer(fd, Libc.SO_RCVBUFFORCE, Libc.SO_RCVBUF, value, "setsockopt(SO_RCVBUFFORCE)", subject);

    /// <summary>
    /// Sets a buffer's size, which the kernel doubles. Going beyond net.core's limits is for the machine's root, not for a user namespace's: there a
    /// buffer that is large enough by itself (the namespace's tcp_rmem and tcp_wmem) is kept, and a smaller one raised as far as it goes.
    /// </summary>
    private static void SetBuffer(FileDescriptor fd, int force, int plain, int value, string operation, string subject)
    {
        int errno = NativeSocket.TrySet(fd, Libc.SOL_SOCKET, force, BitConverter.GetBytes(value));
        if (errno == Errno.EPERM)
        {
            bool isEnough = NativeSocket.GetInt(fd, Libc.SOL_SOCKET, plain, operation, subject) >= 2L * value;
            errno = isEnough ? 0 : NativeSocket.TrySet(fd, Libc.SOL_SOCKET, plain, BitConverter.GetBytes(value));
        }

        if (errno != 0)
        {
            throw new LinuxException(errno, operation, subject);
        }
    }
}
