using System.Diagnostics;
using System.Runtime;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Replay;

/// <summary>
/// Moves one live TCP connection from its process to another on the same machine: both directions are held in the kernel's queue, the socket is dumped,
/// closed silently and restored, handed over, and the held packets are reinjected. The peer sees a pause.
/// <para>One table (<see cref="Steps"/>) says what is done, what undoes it, and what a failure leaves; one loop executes it, times each step, and undoes
/// in reverse when a step fails. Everything slow (firewall commands, opening queues, compiling, allocating) is done before the freeze or after it.</para>
/// <para>One object, one move. Threads: <see cref="Run"/> may be called from any thread; it works on the namespace's own.</para>
/// </summary>
public sealed partial class SessionMove
{
    /// <summary>Managed memory the freeze may use without a collection: the copies of held packets are most of it.</summary>
    private const long NoCollectionBytes = 64L << 20;

    private readonly SessionMoveOptions _options;
    private readonly long[] _ticks = new long[Table.Length];
    private readonly List<RecordedPacket> _recorded = new(8192);
    private PausedSocket? _socket;
    private PacketHold? _inbound;
    private PacketHold? _outbound;
    private SessionHold? _hold;
    private FrozenProcess? _owner;
    private SessionImage? _image;
    private RestoredSocket? _restored;
    private SessionMoveCount _inboundCount;
    private SessionMoveCount _outboundCount;
    private long _freezeStart;
    private long _freezeEnd;
    private bool _isDelivered;
    private string? _rescue;
    private bool _isLocked;
    private bool _hasRun;

    /// <summary>A move with these options; nothing happens before <see cref="Run"/>.</summary>
    public SessionMove(SessionMoveOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.OwnerPid == Environment.ProcessId)
        {
            throw new ArgumentException("A process can't move its own connection: it is stopped while that happens.", nameof(options));
        }

        if (options.InboundQueue == options.OutboundQueue)
        {
            throw new ArgumentException("Each direction needs a queue of its own.", nameof(options));
        }

        _options = options;
    }

    /// <summary>The table: what a move does, in order, with the undo of each step and what a failure leaves.</summary>
    public static IReadOnlyList<SessionMoveStep> Steps => Table;

    /// <summary>Moves the connection. Returns when it goes on with its new owner and the firewall is as it was.</summary>
    /// <exception cref="CheckpointException">
    /// A step failed. <see cref="CheckpointException.StateLeftBehind"/> says what became of the connection: before the original was closed it goes on with
    /// its old owner; after, it is in an image on disk under a lock in the firewall, and <c>interceptor restore</c> goes on with it.
    /// </exception>
    public SessionMoveResult Run()
    {
        if (_hasRun)
        {
            throw new InvalidOperationException("A move runs once.");
        }

        _hasRun = true;
        return _options.Namespace.Run(Execute);
    }

    private SessionMoveResult Execute()
    {
        int at = 0;
        bool noCollection = false;
        try
        {
            for (; at < Table.Length; at++)
            {
                if (Table[at].IsFrozen && _freezeStart == 0)
                {
                    noCollection = TrySuspendCollection();
                    _freezeStart = Stopwatch.GetTimestamp();
                }
                else if (!Table[at].IsFrozen && _freezeStart != 0 && _freezeEnd == 0)
                {
                    _freezeEnd = Stopwatch.GetTimestamp();
                    ResumeCollection(ref noCollection);
                }

                long start = Stopwatch.GetTimestamp();
                Table[at].Action(this);
                _ticks[at] = Stopwatch.GetTimestamp() - start;
            }

            return Result();
        }
#pragma warning disable CA1031 // Whatever failed, the steps before it are undone, and the failure goes out with what became of the connection.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            throw Failure(Table[at], exception, UndoFrom(at));
        }
        finally
        {
            ResumeCollection(ref noCollection);
            Release();
        }
    }

    /// <summary>Undoes the steps before (and what was begun of) the failed one, last first; an undo that fails does not keep the others from their turn.</summary>
    private List<string> UndoFrom(int failed)
    {
        var problems = new List<string>();
        for (int i = failed; i >= 0; i--)
        {
            try
            {
                Table[i].Undo?.Invoke(this);
            }
#pragma warning disable CA1031 // Collected: the remaining undos matter more than this one's failure.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                problems.Add($"Undoing '{Table[i].Name}' failed too: {exception.Message}");
            }
        }

        return problems;
    }

    private CheckpointException Failure(SessionMoveStep step, Exception cause, List<string> problems)
    {
        string leaves = _socket is { IsClosed: true } && !_isDelivered ? WhatWasRescued() : step.Leaves;
        CheckpointFailure kind = cause is CheckpointException inner ? inner.Failure : CheckpointFailure.Failed;
        string problem = cause is CheckpointException { StateLeftBehind: { Length: > 0 } state } ? cause.Message.Replace(state, "", StringComparison.Ordinal).TrimEnd()
            : cause.Message;
        return new CheckpointException($"move ({step.Name})", problem, string.Join(' ', problems.Prepend(leaves)), kind, cause);
    }

    private string WhatWasRescued()
    {
        if (_rescue is null)
        {
            return "The original is closed and its image could not be written anywhere: the connection is lost"
                + (_isLocked ? ", and interceptor cleanup --all removes the rules that keep its peer waiting." : ".");
        }

        return _isLocked
            ? $"The original is closed; the connection is in the image {_rescue}, and rules with the comment interceptor:lock:{_image!.Id} keep its peer waiting: "
                + $"interceptor restore {_rescue} goes on with it and removes them."
            : $"The original is closed; the connection is in the image {_rescue}, without the rules that would keep its peer waiting: "
                + $"interceptor restore {_rescue} goes on with it, as long as its peer sends nothing.";
    }

    private SessionMoveResult Result() => new()
    {
        Steps = [.. Table.Select((step, i) => new SessionMoveTiming(step.Name, step.IsFrozen, Stopwatch.GetElapsedTime(0, _ticks[i])))],
        Freeze = Stopwatch.GetElapsedTime(_freezeStart, _freezeEnd),
        Inbound = _inboundCount,
        Outbound = _outboundCount,
        Image = _image!,
        Warnings = _restored!.Warnings,
    };

    /// <summary>Gives back whatever is still open. Nothing here is visible on the wire: undo or success has decided that.</summary>
    private void Release()
    {
        foreach (IDisposable? open in (ReadOnlySpan<IDisposable?>)[_restored, _socket, _owner, _hold])
        {
            try
            {
                open?.Dispose();
            }
#pragma warning disable CA1031 // The result or the failure on its way out says what matters; the others still have their turn.
            catch (Exception)
#pragma warning restore CA1031
            {
            }
        }

        foreach (RecordedPacket packet in _recorded)
        {
            packet.Lease.Dispose();
        }

        _recorded.Clear();
    }

    /// <summary>Keeps a claim on the bytes of a packet that is about to be released; called on the hold's thread.</summary>
    private void Record(HeldPacket packet) => _recorded.Add(new RecordedPacket(
        packet.Direction == HoldDirection.In, packet.Timestamp, packet.IsChecksumNotReady, packet.Share()));

    private HeldVerdict JudgeOutbound(HeldPacket packet)
    {
        Record(packet);
        TcpSnapshot snapshot = _image!.Snapshot;
        return HeldPacketPolicy.MayGoOut(packet.Data, packet.OriginalLength, snapshot) ? HeldVerdict.Accept : HeldVerdict.Drop;
    }

    private HeldVerdict JudgeInbound(HeldPacket packet)
    {
        Record(packet);
        return HeldVerdict.Accept;
    }

    private static SessionMoveCount Count(HoldRelease release) =>
        new(release.Accepted + release.Dropped + release.Lost, release.Accepted, release.Dropped, release.Lost);

    private static bool TrySuspendCollection()
    {
        try
        {
            return GC.TryStartNoGCRegion(NoCollectionBytes);
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentOutOfRangeException)
        {
            // Someone else's region, or a heap too small: a collection may then fall into the freeze, and costs milliseconds at worst.
            return false;
        }
    }

    private static void ResumeCollection(ref bool suspended)
    {
        if (suspended && GCSettings.LatencyMode == GCLatencyMode.NoGCRegion)
        {
            GC.EndNoGCRegion();
        }

        suspended = false;
    }

    private readonly record struct RecordedPacket(bool IsInbound, CaptureTimestamp Timestamp, bool ChecksumMissing, PacketLease Lease);
}
