using System.Security.Cryptography;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <content>Reading the kernel's state, in the one order in which it is consistent.</content>
public sealed partial class PausedSocket
{
    private const string DumpStep = "dump";
    private const int DumpTries = 3;
    private string? _nextId = NewId();

    /// <summary>This boot of this kernel.</summary>
    internal static string CurrentBootId { get; } = ReadBootId();

    /// <summary>
    /// Reads everything. Can be called again while paused. The image borrows this object's buffers: the next dump overwrites them.
    /// </summary>
    /// <exception cref="CheckpointException">
    /// The queues changed three times while they were read (the owner runs, or packets get through), or a queue came back short.
    /// The connection is still paused; disposing resumes it.
    /// </exception>
    public SessionImage Dump()
    {
        RequirePaused();
        try
        {
            if (IsListening)
            {
                return DumpListener();
            }

            for (int i = 0; i < DumpTries; i++)
            {
                Queues queues = ReadQueues();
                if (TryCut(queues) is { } image)
                {
                    return image;
                }
            }
        }
        catch (LinuxException exception)
        {
            throw Failed(exception.Message, exception);
        }

        throw Failed($"the queues of {_subject} changed while they were read, {DumpTries} times. Stop the owner and hold the connection's packets first.");
    }

    /// <summary>Sequence numbers and contents of both queues. The order is the point of this method: see the comments.</summary>
    private Queues ReadQueues()
    {
        var queues = default(Queues);
        queues.State = (TcpState)NativeSocket.GetStruct<Libc.tcp_info>(_fd, Libc.IPPROTO_TCP, Libc.TCP_INFO, "getsockopt(TCP_INFO)", _subject).tcpi_state;
        queues.Unread = Ioctl(Libc.SIOCINQ, "ioctl(SIOCINQ)");
        SelectQueue(Libc.TCP_RECV_QUEUE);
        queues.RcvNxt = ReadSequence();
        int received = Peek(ref _receiveBuffer, queues.Unread);

        // Before the send queue is selected: while it is, an acknowledgement that comes in moves unsent data to the sent part without sending it.
        queues.Queued = Ioctl(Libc.SIOCOUTQ, "ioctl(SIOCOUTQ)");
        queues.Unsent = Ioctl(Libc.SIOCOUTQNSD, "ioctl(SIOCOUTQNSD)");
        int written;
        SelectQueue(Libc.TCP_SEND_QUEUE);
        try
        {
            queues.WriteSeq = ReadSequence();
            written = Peek(ref _sendBuffer, queues.Queued);
            if (queues.State == TcpState.SynSent && written > 0)
            {
                throw SocketEligibility.Refuse(_subject, SocketEligibility.SynData);
            }
        }
        finally
        {
            SelectQueue(Libc.TCP_NO_QUEUE);
        }

        queues.IsComplete = received == queues.Unread && written == queues.QueuedBytes;
        return queues;
    }

    /// <summary>The rest, as late as possible, and then the check that nothing moved; null if it did.</summary>
    private SessionImage? TryCut(in Queues queues)
    {
        var window = NativeSocket.GetStruct<Libc.tcp_repair_window>(
            _fd, Libc.IPPROTO_TCP, Libc.TCP_REPAIR_WINDOW, "getsockopt(TCP_REPAIR_WINDOW)", _subject);
        int mssClamp = NativeSocket.GetInt(_fd, Libc.IPPROTO_TCP, Libc.TCP_MAXSEG, "getsockopt(TCP_MAXSEG)", _subject);
        var info = NativeSocket.GetStruct<Libc.tcp_info>(_fd, Libc.IPPROTO_TCP, Libc.TCP_INFO, "getsockopt(TCP_INFO)", _subject);
        uint timestamp = (uint)NativeSocket.GetInt(_fd, Libc.IPPROTO_TCP, Libc.TCP_TIMESTAMP, "getsockopt(TCP_TIMESTAMP)", _subject);
        long cutBootTime = Clock.BootTimeNanoseconds();
        long cutWallTime = Clock.RealtimeNanoseconds();

        SelectQueue(Libc.TCP_RECV_QUEUE);
        SequenceNumber rcvNxt = ReadSequence();
        SelectQueue(Libc.TCP_NO_QUEUE);
        bool isStable = queues.IsComplete && rcvNxt == queues.RcvNxt && Ioctl(Libc.SIOCINQ, "ioctl(SIOCINQ)") == queues.Unread
            && Ioctl(Libc.SIOCOUTQ, "ioctl(SIOCOUTQ)") == queues.Queued && Ioctl(Libc.SIOCOUTQNSD, "ioctl(SIOCOUTQNSD)") == queues.Unsent
            && info.tcpi_state == (byte)queues.State;
        if (!isStable)
        {
            return null;
        }

        bool hasEcn = (info.tcpi_options & Libc.TCPI_OPT_ECN) != 0;
        return ToImage(ToSnapshot(queues, window, info, mssClamp, timestamp), info, cutBootTime, cutWallTime) with
        {
            ReceiveQueue = _receiveBuffer.AsMemory(0, queues.Unread),
            SendQueue = _sendBuffer.AsMemory(0, queues.QueuedBytes),
            MicrosecondTimestamps = (info.tcpi_options & Libc.TCPI_OPT_USEC_TS) != 0,
            HadEcn = hasEcn,
        };
    }

    private SessionImage ToImage(TcpSnapshot snapshot, in Libc.tcp_info info, long cutBootTime, long cutWallTime) => new()
    {
        Id = TakeId(),
        Snapshot = snapshot,
        Settings = _settings!,
        Counters = ToCounters(info),
        BootId = CurrentBootId,
        CutBootTimeNanoseconds = cutBootTime,
        CutAt = new CaptureTimestamp(cutWallTime),
        Warnings = [.. _losses.Select(static loss => loss.Code == SocketEligibility.EcnCode ? SessionImage.EcnWarning : $"{char.ToUpperInvariant(loss.Reason[0])}{loss.Reason[1..]}.")],
    };

    /// <summary>Neither sequence numbers nor queues: where it listens, how many may wait, and what was set on it.</summary>
    private SessionImage DumpListener()
    {
        var info = NativeSocket.GetStruct<Libc.tcp_info>(_fd, Libc.IPPROTO_TCP, Libc.TCP_INFO, "getsockopt(TCP_INFO)", _subject);
        if (SocketEligibility.OfAcceptQueue(info.tcpi_unacked) is { } waiting)
        {
            throw SocketEligibility.Refuse(_subject, waiting);
        }

        var snapshot = new TcpSnapshot
        {
            Local = Owner.Local,
            Peer = Owner.Peer,
            State = TcpState.Listen,
            Confidence = SnapshotConfidence.Exact,
            MssClamp = NativeSocket.GetInt(_fd, Libc.IPPROTO_TCP, Libc.TCP_MAXSEG, "getsockopt(TCP_MAXSEG)", _subject),
        };
        SessionImage image = ToImage(snapshot, info, Clock.BootTimeNanoseconds(), Clock.RealtimeNanoseconds());
        return image with { Settings = image.Settings with { Backlog = (int)info.tcpi_sacked } };
    }

    private TcpSnapshot ToSnapshot(in Queues queues, in Libc.tcp_repair_window window, in Libc.tcp_info info, int mssClamp, uint timestamp)
    {
        bool hasTimestamps = (info.tcpi_options & Libc.TCPI_OPT_TIMESTAMPS) != 0;
        return new TcpSnapshot
        {
            Local = Owner.Local,
            Peer = Owner.Peer,
            State = queues.State,
            Confidence = SnapshotConfidence.Exact,
            SndUna = queues.WriteSeq - queues.Queued - (queues.State == TcpState.SynSent ? 1 : 0),
            SndNxt = queues.WriteSeq - queues.Unsent,
            WriteSeq = queues.WriteSeq,
            SndWnd = window.snd_wnd,
            SndWl1 = new SequenceNumber(window.snd_wl1),
            MaxWindow = window.max_window,
            RcvNxt = queues.RcvNxt,

            // SIOCINQ leaves the peer's FIN out; whether the application has seen the end of the stream is not told, and it sees it again.
            CopiedSeq = queues.RcvNxt - queues.Unread - (queues.State.HasPeerFin() ? 1 : 0),
            RcvWnd = window.rcv_wnd,
            RcvWup = new SequenceNumber(window.rcv_wup),
            MssClamp = mssClamp,
            WindowScaling = (info.tcpi_options & Libc.TCPI_OPT_WSCALE) != 0,
            SndWindowScale = info.tcpi_wscale & 0xF,
            RcvWindowScale = info.tcpi_wscale >> 4,
            SackPermitted = (info.tcpi_options & Libc.TCPI_OPT_SACK) != 0,
            Timestamps = hasTimestamps,

            // A SYN shows a timestamp before both have agreed on them.
            TimestampValue = queues.State == TcpState.SynSent ? _synTimestamp : hasTimestamps ? timestamp : 0,
            FinQueued = queues.State.HasOwnFin(),
            FinReceived = queues.State.HasPeerFin(),
        };
    }

    private static SessionCounters ToCounters(in Libc.tcp_info info) => new()
    {
        BytesReceived = info.tcpi_bytes_received,
        BytesAcked = info.tcpi_bytes_acked,
        BytesSent = info.tcpi_bytes_sent,
        BytesRetransmitted = info.tcpi_bytes_retrans,
        SegmentsIn = info.tcpi_segs_in,
        SegmentsOut = info.tcpi_segs_out,
        Retransmissions = info.tcpi_total_retrans,
        RttMicroseconds = info.tcpi_rtt,
        RttVarianceMicroseconds = info.tcpi_rttvar,
        RtoMicroseconds = info.tcpi_rto,
        CongestionWindow = info.tcpi_snd_cwnd,
        SlowStartThreshold = info.tcpi_snd_ssthresh,
        SendMss = info.tcpi_snd_mss,
        PathMtu = info.tcpi_pmtu,
        OutOfOrderSegments = info.tcpi_rcv_ooopack,
    };

    /// <summary>The first is made before the freeze: drawing random numbers takes longer than reading a small queue.</summary>
    private string TakeId()
    {
        string id = _nextId ?? NewId();
        _nextId = null;
        return id;
    }

    private static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));

    /// <summary>Copies the selected queue; asks for one byte more than there should be, so that a longer queue is noticed.</summary>
    private int Peek(ref byte[] buffer, int expected)
    {
        if (buffer.Length <= expected)
        {
            buffer = new byte[expected + 1];
        }

        int count = NativeSocket.TryReceive(_fd, buffer.AsSpan(0, expected + 1), Libc.MSG_PEEK | Libc.MSG_DONTWAIT);
        if (count < 0 && count != -Errno.EAGAIN && _losses.Any(static loss => loss.Code == SocketEligibility.PendingErrorCode))
        {
            // The first call brings the error that was told as lost, and it is gone then.
            count = NativeSocket.TryReceive(_fd, buffer.AsSpan(0, expected + 1), Libc.MSG_PEEK | Libc.MSG_DONTWAIT);
        }

        return count >= 0 || count == -Errno.EAGAIN
            ? Math.Max(count, 0)
            : throw new LinuxException(-count, "recv(MSG_PEEK)", _subject);
    }

    private int Ioctl(nuint request, string operation) => NativeSocket.IoctlInt(_fd, request, operation, _subject);

    private void SelectQueue(int queue) =>
        NativeSocket.SetInt(_fd, Libc.IPPROTO_TCP, Libc.TCP_REPAIR_QUEUE, queue, "setsockopt(TCP_REPAIR_QUEUE)", _subject);

    private SequenceNumber ReadSequence() =>
        new((uint)NativeSocket.GetInt(_fd, Libc.IPPROTO_TCP, Libc.TCP_QUEUE_SEQ, "getsockopt(TCP_QUEUE_SEQ)", _subject));

    private static CheckpointException Failed(string problem, Exception? cause = null) =>
        new(DumpStep, problem, "The connection goes on with its owner.", cause: cause);

    private static string ReadBootId() => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    private struct Queues
    {
        internal TcpState State;
        internal int Unread;

        /// <summary>As the kernel counts: a FIN is one.</summary>
        internal int Queued;
        internal int Unsent;
        internal SequenceNumber RcvNxt;
        internal SequenceNumber WriteSeq;
        internal bool IsComplete;

        internal readonly int QueuedBytes => Queued - (Queued > 0 && State.HasOwnFin() ? 1 : 0);
    }
}
