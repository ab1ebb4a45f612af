using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Checkpoint;

/// <summary>How a socket came to its connection: decides whether the SYN is among its acknowledged numbers.</summary>
public enum StreamOrigin
{
    /// <summary>Returned by accept: its SYN-ACK is not counted in tcpi_bytes_acked.</summary>
    Accepted,

    /// <summary>Made by connect: its SYN is counted.</summary>
    Connected,

    /// <summary>Restored from an image: the kernel's counters began at zero with the restore; offsets count from there.</summary>
    Restored,
}

/// <summary>Who said what an image holds.</summary>
public enum SessionSource
{
    /// <summary>The kernel's socket.</summary>
    Kernel,

    /// <summary>The connection's packets in a capture.</summary>
    Capture,
}

/// <summary>The firewall's part in a connection that was taken out of its process: what keeps the peer from being reset until the restore.</summary>
/// <param name="Comment">The comment of its rules, as <c>interceptor:lock:1f2e3d4c</c>.</param>
/// <param name="Kind"><c>drop</c>.</param>
public sealed record SessionLock(string Comment, string Kind);

/// <summary>
/// One checkpointed connection: everything needed to go on with it, as plain data. Nothing that restores it changes it, so one image can be
/// restored twice (not at the same time). The queues are borrowed from the dump: whoever has the image must not write to them.
/// </summary>
public sealed record SessionImage
{
    internal const string EcnWarning = "ECN was negotiated and can't be restored: congestion marks will be ignored.";

    /// <summary>Names the image in rules, messages and files: eight hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>Where it comes from.</summary>
    public SessionSource Source { get; init; } = SessionSource.Kernel;

    /// <summary>What its source could not say and was assumed, by the names in session.json, as <c>sequences.copied_seq</c>.</summary>
    public IReadOnlyList<string> Assumed { get; init; } = [];

    /// <summary>State, sequence numbers, windows and options at the cut.</summary>
    public required TcpSnapshot Snapshot { get; init; }

    /// <summary>Received and not read: <see cref="TcpSnapshot.UnreadBytes"/> bytes from <see cref="TcpSnapshot.CopiedSeq"/> on.</summary>
    public ReadOnlyMemory<byte> ReceiveQueue { get; init; }

    /// <summary>
    /// Written and not acknowledged: <see cref="TcpSnapshot.QueuedBytes"/> bytes from <see cref="TcpSnapshot.SndUna"/> on, first what was sent,
    /// then what was not.
    /// </summary>
    public ReadOnlyMemory<byte> SendQueue { get; init; }

    /// <summary>The part of <see cref="SendQueue"/> that was sent and is not acknowledged.</summary>
    public ReadOnlyMemory<byte> SentPart => SendQueue[..Snapshot.InFlightBytes];

    /// <summary>The part of <see cref="SendQueue"/> that was never sent.</summary>
    public ReadOnlyMemory<byte> UnsentPart => SendQueue[Snapshot.InFlightBytes..];

    /// <summary>What the application set.</summary>
    public required SocketSettings Settings { get; init; }

    /// <summary>What the kernel counted.</summary>
    public SessionCounters Counters { get; init; } = new();

    /// <summary>True if timestamps count microseconds rather than milliseconds (a route's or the kernel's choice).</summary>
    public bool MicrosecondTimestamps { get; init; }

    /// <summary>True if the connection had negotiated ECN, which a restore can't bring back.</summary>
    public bool HadEcn { get; init; }

    /// <summary>The kernel's boot at the cut (/proc/sys/kernel/random/boot_id): the same one means <see cref="CutBootTimeNanoseconds"/> can be compared.</summary>
    public string BootId { get; init; } = "";

    /// <summary>CLOCK_BOOTTIME at the cut, nanoseconds.</summary>
    public long CutBootTimeNanoseconds { get; init; }

    /// <summary>Wall clock at the cut.</summary>
    public CaptureTimestamp CutAt { get; init; }

    /// <summary>The rules that keep the peer from being reset, if the connection was taken out of its process under a lock.</summary>
    public SessionLock? Lock { get; init; }

    /// <summary>Packets held while the connection was frozen, in order of arrival.</summary>
    public IReadOnlyList<HeldSessionPacket> HeldPackets { get; init; } = [];

    /// <summary>What could not be taken along; for people.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Bytes of both queues.</summary>
    public long QueuedBytes => (long)ReceiveQueue.Length + SendQueue.Length;

    /// <summary>How many bytes of the peer's stream the application had read: where its next read goes on.</summary>
    public long ReadOffset => (long)Counters.BytesReceived - (Snapshot.FinReceived ? 1 : 0) - Snapshot.UnreadBytes;

    /// <summary>
    /// How many bytes the application had written to its stream: where its next write goes on. The kernel does not say how a socket began, so the
    /// caller does. For a socket that was restored before, both offsets count from that restore.
    /// </summary>
    public long WrittenOffset(StreamOrigin origin) =>
        (long)Counters.BytesAcked - (origin == StreamOrigin.Connected ? 1 : 0) - (Snapshot.IsFinAcknowledged ? 1 : 0) + Snapshot.QueuedBytes;
}
