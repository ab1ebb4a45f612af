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
            checkpoint._namespace?.Dispose();
        }
    }

    private SessionCheckpointResult Execute()
    {
        SessionImageDirectory.RequireCanCreate(_options.Directory);
        Timed("find", () => _socket = PausedSocket.Attach(SocketFinder.Find(_options.Pid, _options.Local, _options.Peer)));
        Timed("warm up", CheckpointWarmup.Run);
        _namespace = _socket!.OpenNamespace();
        long start = Stopwatch.GetTimestamp();
        if (_options.Lock)
        {
            Timed("lock", () => _lock = SessionLockRules.Install(_options.Local, _options.Peer, _id, _namespace));
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
            Steps = _steps,
            LockPlaces = _options.LeaveRunning || _lock is null ? [] : _lock.Places,
        };
    }

    /// <summary>The connection first: writing to disk takes longer than everything else, and the image is complete in memory.</summary>
    private TimeSpan LeaveRunning(SessionImage image, long start)
    {
        Timed("resume", () =>
        {
            _socket!.Dispose();
            _lock?.Remove();
            _owner?.Dispose();
        });
        TimeSpan freeze = Stopwatch.GetElapsedTime(start);
        Timed("write image", () => SessionFiles.Write(_options.Directory, image, _options.Key));
        return freeze;
    }

    /// <summary>The disk first: until the image is there, the original is the only one.</summary>
    private TimeSpan TakeAway(ref SessionImage image, long start)
    {
        SessionImage written = image with { Lock = _lock is null ? null : SessionLockRules.For(image) };
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
        if (_options.KillOwner)
        {
            Timed("end owner", () => _owner?.Kill(TimeSpan.FromSeconds(2)));
        }

        _owner?.Dispose();
        _socket.Dispose();
        return freeze;
    }

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
            // Only ending the owner can have failed: the image is on disk, and the lock must stay.
            _owner?.Dispose();
            return;
        }

        _socket?.Dispose();
        _owner?.Dispose();
        try
        {
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
