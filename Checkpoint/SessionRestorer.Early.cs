using System.Diagnostics;
using Interceptor.Interop;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <content>Sockets before their handshake: one that calls, and one that listens.</content>
public static partial class SessionRestorer
{
    /// <summary>Milliseconds by which the time of the old SYN, known from a timer, may be wrong: a jiffy of the slowest kernels, and a little.</summary>
    private const int SynTolerance = 12;

    private static RestoredSocket RestoreEarlyState(SessionImage image, string subject, List<string> warnings, ref FileDescriptor? fd, ref string step)
    {
        fd = NativeSocket.Create(image.Settings.IsIpv6Socket ? Libc.AF_INET6 : Libc.AF_INET, Libc.SOCK_STREAM, Libc.IPPROTO_TCP);
        if (image.Snapshot.State == TcpState.Listen)
        {
            step = "options before bind";
            ApplyEarlyOptions(fd, image, subject, warnings);

            // The old owner keeps the port as long as it keeps its descriptor, which listens no more; what was set comes behind it.
            NativeSocket.SetInt(fd, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 1, "setsockopt(SO_REUSEADDR)", subject);
            if (image.Settings.Options.TryGetValue("SO_REUSEPORT", out int[]? shared))
            {
                NativeSocket.SetInt(fd, Libc.SOL_SOCKET, Libc.SO_REUSEPORT, shared[0], "setsockopt(SO_REUSEPORT)", subject);
            }

            step = "bind";
            Bind(fd, image, subject);
            return new RestoredSocket(fd, image, warnings, null, subject);
        }

        step = "enter repair";
        Set(fd, Libc.TCP_REPAIR, Libc.TCP_REPAIR_ON, "setsockopt(TCP_REPAIR)", subject);
        step = "options before bind";
        ApplyEarlyOptions(fd, image, subject, warnings);
        step = "bind";
        Bind(fd, image, subject);
        step = "call";
        Call(fd, image, subject);
        return new RestoredSocket(fd, image, warnings, null, subject);
    }

    /// <summary>
    /// Sends the SYN with the sequence number that it had; the lock drops it, and the kernel sends it again. Ends in repair, with a clock by which the old SYN was sent just behind
    /// this one: the peer echoes the old one's timestamp, and the kernel resets what echoes a time before its first SYN, or after now (tcp_rcv_synsent_state_process).
    /// </summary>
    private static void Call(FileDescriptor fd, SessionImage image, string subject)
    {
        Set(fd, Libc.TCP_REPAIR_QUEUE, Libc.TCP_SEND_QUEUE, "setsockopt(TCP_REPAIR_QUEUE)", subject);
        Set(fd, Libc.TCP_QUEUE_SEQ, (int)image.Snapshot.SndUna.Value, "setsockopt(TCP_QUEUE_SEQ)", subject);
        Set(fd, Libc.TCP_REPAIR_QUEUE, Libc.TCP_NO_QUEUE, "setsockopt(TCP_REPAIR_QUEUE)", subject);
        Set(fd, Libc.TCP_REPAIR, Libc.TCP_REPAIR_OFF_NO_WP, "setsockopt(TCP_REPAIR)", subject);
        NativeSocket.SetFileFlags(fd, NativeSocket.GetFileFlags(fd, subject) | Libc.O_NONBLOCK, subject);
        long start = Stopwatch.GetTimestamp();
        try
        {
            Connect(fd, image, subject);
        }
        catch (LinuxException exception) when (exception.Errno == Errno.EINPROGRESS)
        {
        }

        Set(fd, Libc.TCP_REPAIR, Libc.TCP_REPAIR_ON, "setsockopt(TCP_REPAIR)", subject);
        while (Stopwatch.GetElapsedTime(start).TotalMilliseconds < 2 * SynTolerance)
        {
            Thread.Sleep(1);
        }

        double scale = image.MicrosecondTimestamps ? 1000 : 1;
        uint elapsed = (uint)(Stopwatch.GetElapsedTime(start).TotalMilliseconds * scale);
        uint value = image.Snapshot.TimestampValue - (uint)(SynTolerance * scale) + elapsed;
        Set(fd, Libc.TCP_TIMESTAMP, (int)(image.MicrosecondTimestamps ? value | 1u : value & ~1u), "setsockopt(TCP_TIMESTAMP)", subject);
    }
}
