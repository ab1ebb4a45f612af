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
    private readonly SessionStepRunner<SessionMove> _runner;
    private readonly List<RecordedPacket> _recorded = new(8192);
    private PausedSocket? _socket;
    private PacketHold? _inbound;
    private PacketHold? _outbound;
    private SessionHold? _hold;
    private FrozenProcess? _owner;
    private SessionGuard? _guard;
    private SessionGuardMemory? _memory;
    private SessionImage? _image;
    private RestoredSocket? _restored;
    private SessionMoveCount _inboundCount;
    private SessionMoveCount _outboundCount;
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
        _runner = new SessionStepRunner<SessionMove>(Table, this, NoCollectionBytes) { Observer = options.StepObserver, Rehearsal = () => _socket!.Rehearse() };
    }

    /// <summary>The table: what a move does, in order, with the undo of each step and what a failure leaves.</summary>
    public static IReadOnlyList<SessionStep> Steps => Table;

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
        try
        {
            return _runner.Run() is { } failure ? throw Failure(failure) : Result();
        }
        finally
        {
            Release();
        }
    }

    private CheckpointException Failure(SessionStepFailure failure)
    {
        (SessionStep step, Exception cause, IReadOnlyList<string> problems) = failure;
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
                + (_isLocked ? $", and interceptor cleanup --lock {_image!.Id} removes the rules that keep its peer waiting." : ".");
        }

        return _isLocked
            ? $"The original is closed; the connection is in the image {_rescue}, and rules with the comment interceptor:lock:{_image!.Id} keep its peer waiting: "
                + $"interceptor restore {_rescue} goes on with it and removes them."
            : $"The original is closed; the connection is in the image {_rescue}, without the rules that would keep its peer waiting: "
                + $"interceptor restore {_rescue} goes on with it, as long as its peer sends nothing.";
    }

    private SessionMoveResult Result() => new()
    {
        Steps = [.. _runner.Times.Select(static time => new SessionMoveTiming(time.Step.Name, time.Step.IsFrozen, time.Elapsed))],
        Freeze = _runner.Freeze,
        Inbound = _inboundCount,
        Outbound = _outboundCount,
        Image = _image!,
        Warnings = [.. _restored!.Warnings],
        GuardProblem = _guard?.Problem,
    };

    /// <summary>Gives back whatever is still open. Nothing here is visible on the wire: undo or success has decided that.</summary>
    private void Release()
    {
        foreach (IDisposable? open in (ReadOnlySpan<IDisposable?>)[_restored, _socket, _owner, _hold, _guard, _memory])
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

    /// <summary>Keeps a claim on the bytes of a packet that is about to be released.</summary>
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

    private readonly record struct RecordedPacket(bool IsInbound, CaptureTimestamp Timestamp, bool ChecksumMissing, PacketLease Lease);
}
