using System.Security.Cryptography;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Interop;

namespace Interceptor.Replay;

/// <summary>
/// Writes a live connection to disk as a session image, and leaves the original running or takes it away under a lock.
/// Until the image is safely on disk the connection can always go on with its owner, and does if anything fails.
/// <para>One table (<see cref="Steps"/>) says what is done, what undoes it, and what a failure leaves.</para>
/// <para>Threads: any; it works in the connection's network namespace by itself.</para>
/// </summary>
public sealed partial class SessionCheckpoint
{
    private static readonly TimeSpan AnswerInterval = TimeSpan.FromMilliseconds(20);
    private readonly SessionCheckpointOptions _options;
    private readonly SessionStepRunner<SessionCheckpoint> _runner;
    private readonly string _id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
    private PausedSocket? _socket;
    private NetworkNamespace? _namespace;
    private FirewallRules? _lock;
    private SessionHold? _hold;
    private FrozenProcess? _owner;
    private SessionImageBase? _base;
    private SessionGuard? _guard;
    private PeerKeeper? _keeper;
    private SessionImage? _image;
    private int _held;
    private bool _isWritten;

    private SessionCheckpoint(SessionCheckpointOptions options)
    {
        _options = options;
        _runner = new SessionStepRunner<SessionCheckpoint>(Table, this) { Observer = options.StepObserver, Rehearsal = () => _socket!.Rehearse() };
    }

    /// <summary>The table: every step there is, in order; which of them apply depends on the options.</summary>
    public static IReadOnlyList<SessionStep> Steps => Table;

    private bool IsHeld => _options.Lock == SessionLockKind.Hold && !IsListener;

    /// <summary>Who calls a listening socket that is taken away is dropped and calls again; the connections on its port are none of this.</summary>
    private bool IsLocked => IsListener ? _options.Lock != SessionLockKind.None && !_options.LeaveRunning : _options.Lock == SessionLockKind.Drop;

    private bool IsListener => _options.Peer.Port == 0;

    private bool IsClosed => _socket is { IsClosed: true };

    /// <summary>Does it.</summary>
    /// <exception cref="CheckpointException">
    /// A step failed. The connection goes on with its owner, and the firewall is as it was; or, where the message says so, it was closed before and is in the image.
    /// </exception>
    /// <exception cref="IOException">The firewall could not be changed, or a privilege is missing; the connection goes on with its owner.</exception>
    public static SessionCheckpointResult Take(SessionCheckpointOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var checkpoint = new SessionCheckpoint(options);
        try
        {
            if (checkpoint._runner.Run() is { } failure)
            {
                throw checkpoint.Failure(failure);
            }

            return checkpoint.Result();
        }
        finally
        {
            checkpoint._guard?.Dispose();
            checkpoint._namespace?.Dispose();
        }
    }

    /// <summary>The failure itself where the connection goes on and everything is as it was.</summary>
    private CheckpointException Failure(SessionStepFailure failure) => failure.ToException(
        "checkpoint", !IsClosed, IsClosed
            ? $"The connection is in the image {_options.Directory}: interceptor restore {_options.Directory} goes on with it."
            : $"{GoesOn} Rules of ours may still drop its packets: interceptor cleanup --all removes them.");

    private SessionCheckpointResult Result() => new()
    {
        Image = _image!,
        Directory = _options.Directory,
        ImageBytes = new DirectoryInfo(_options.Directory).EnumerateFiles().Sum(file => file.Length),
        Freeze = _runner.Freeze,
        HeldPackets = _held,
        Steps = SessionCheckpointTiming.Of(_runner.Times),
        BaseDirectory = _base?.Directory,
        GuardProblem = _guard?.Problem,
        PeerKeeper = _keeper,
        PeerPatience = PeerPatienceReader.Read(_image!, _namespace!),
        LockPlaces = _options.LeaveRunning || _lock is null ? [] : _lock.Places,
    };
}
