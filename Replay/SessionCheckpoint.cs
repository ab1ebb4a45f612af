using System.Diagnostics;
using System.Security.Cryptography;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Interop;

namespace Interceptor.Replay;

/// <summary>
/// Writes a live connection to disk as a session image, and leaves the original running or takes it away under a lock.
/// Until the image is safely on disk the connection can always go on with its owner, and does if anything fails.
/// <para>Threads: any; it works in the connection's network namespace by itself.</para>
/// </summary>
public sealed class SessionCheckpoint
{
    private readonly SessionCheckpointOptions _options;
    private readonly List<SessionCheckpointTiming> _steps = [];
    private readonly string _id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
    private PausedSocket? _socket;
    private NetworkNamespace? _namespace;
    private FirewallRules? _lock;
    private SessionHold? _hold;
    private int _held;
    private FrozenProcess? _owner;

    private SessionCheckpoint(SessionCheckpointOptions options) => _options = options;

    /// <summary>Does it.</summary>
    /// <exception cref="CheckpointException">A step failed; the connection goes on with its owner, and the firewall is as it was.</exception>
    /// <exception cref="IOException">The firewall could not be changed, or a privilege is missing; the connection goes on with its owner.</exception>
    public static SessionCheckpointResult Take(SessionCheckpointOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var checkpoint = new SessionCheckpoint(options);
        try
        {
            return checkpoint.Execute();
        }
        catch (Exception exception)
        {
            checkpoint.Undo(exception);
            throw;
        }
        finally
        {
            checkpoint._hold?.Dispose();
            checkpoint._namespace?.Dispose();
        }
    }

    private SessionCheckpointResult Execute()
    {
        SessionImageDirectory.RequireCanCreate(_options.Directory);
        Timed("find", () => _socket = PausedSocket.Attach(SocketFinder.Find(_options.Pid, _options.Local, _options.Peer)));
        Timed("warm up", CheckpointWarmup.Run);
        _namespace = _socket!.OpenNamespace();
        PrepareHold();
        long start = Stopwatch.GetTimestamp();
        if (_options.Lock == SessionLockKind.Drop)
        {
            Timed("lock", Lock);
        }
        else if (_hold is not null)
        {
            Timed("hold", _hold.Hold);
        }

        if (_options.Pid != Environment.ProcessId)
        {
            Timed("stop owner", () => _owner = _socket.StopOwner());
        }

        Timed("pause socket", _socket.Pause);
        SessionImage image = null!;
        Timed("dump", () => image = _socket.Dump() with { Id = _id });
        TimeSpan freeze = _options.LeaveRunning ? LeaveRunning(image, start) : TakeAway(ref image, start);
        return new SessionCheckpointResult
        {
            Image = image,
            Directory = _options.Directory,
            ImageBytes = new DirectoryInfo(_options.Directory).EnumerateFiles().Sum(file => file.Length),
            Freeze = freeze,
            HeldPackets = _held,
            Steps = _steps,
            LockPlaces = _options.LeaveRunning || _lock is null ? [] : _lock.Places,
        };
    }

    /// <summary>Before the freeze. What is held goes into the image, and from there to a socket: as single packets whose checksums are filled in.</summary>
    private void PrepareHold()
    {
        if (_options.Lock == SessionLockKind.Hold)
        {
            Timed("open queues", () => _hold = SessionHold.Open(_namespace!, _options.Local, _options.Peer, queues: null, InterceptionQueueFlags.None));
            Timed("install rules", _hold!.InstallRules);
        }
    }

    private void Lock() => _lock = SessionLockRules.Install(_options.Local, _options.Peer, _id, _namespace);

    /// <summary>The connection first: writing to disk takes longer than everything else, and the image is complete in memory.</summary>
    private TimeSpan LeaveRunning(SessionImage image, long start)
    {
        Timed("resume", () =>
        {
            _socket!.Dispose();
            _held = _hold is null ? 0 : Count(_hold.Outbound.Release()) + Count(_hold.Inbound.Release());
            _lock?.Remove();
            _owner?.Dispose();
        });
        TimeSpan freeze = Stopwatch.GetElapsedTime(start);
        EndHold();
        Timed("write image", () => SessionFiles.Write(_options.Directory, image, _options.Key));
        return freeze;
    }

    private void EndHold()
    {
        if (_hold is not null)
        {
            Timed("remove rules", () =>
            {
                _hold.RemoveRules();
                _hold.Close();
            });
        }
    }

    /// <summary>The disk first: until the image is there, the original is the only one.</summary>
    private TimeSpan TakeAway(ref SessionImage image, long start)
    {
        if (_hold is not null)
        {
            // From here on what comes is dropped, and what is held is complete.
            Timed("lock", Lock);
        }

        SessionImage written = image with { Lock = _lock is null ? null : SessionLockRules.For(image), HeldPackets = _hold?.CopyHeld() ?? [] };
        image = written;
        Timed("write image", () => SessionFiles.Write(_options.Directory, written, _options.Key));
        try
        {
            Timed("close original", _socket!.CloseSilently);
        }
        catch (CheckpointException)
        {
            // The connection goes on, and an image that says otherwise would mislead.
            SessionImageDirectory.Delete(_options.Directory);
            throw;
        }

        TimeSpan freeze = Stopwatch.GetElapsedTime(start);
        _held = written.HeldPackets.Count;
        _hold?.DropAll();
        EndHold();
        if (_options.KillOwner)
        {
            Timed("end owner", () => _owner?.Kill(TimeSpan.FromSeconds(2)));
        }

        _owner?.Dispose();
        _socket.Dispose();
        return freeze;
    }

    private void DropHeld()
    {
        try
        {
            _hold?.DropAll();
        }
        catch (IOException)
        {
            // The failure on its way out says what matters; a queue that can't be spoken to loses what it has.
        }
    }

    private static int Count(HoldRelease release) => release.Accepted + release.Dropped + release.Lost;

    private void Timed(string name, Action step)
    {
        long start = Stopwatch.GetTimestamp();
        step();
        _steps.Add(new SessionCheckpointTiming(name, Stopwatch.GetElapsedTime(start)));
    }

    /// <summary>Repair off before the owner goes on, and the lock away last: the connection's first packet finds everything as it was.</summary>
    private void Undo(Exception cause)
    {
        if (_socket is { IsClosed: true })
        {
            // Only ending the owner or the hold can have failed: the image is on disk, and the lock must stay. Nothing that is held may reach the dead socket.
            DropHeld();
            _owner?.Dispose();
            return;
        }

        _socket?.Dispose();
        _owner?.Dispose();
        try
        {
            _hold?.Dispose();
            _lock?.Remove();
        }
        catch (IOException exception)
        {
            throw new CheckpointException(
                "checkpoint", cause.Message,
                $"Its packets are still dropped, as the rules could not be removed: {exception.Message} Run: interceptor cleanup --all", cause: cause);
        }
    }
}
