using System.Security.Cryptography;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>
/// Writes all connections of a process to disk in one freeze, as a set of session images, and leaves them running or takes them away under one lock. All or none: until the set is safely on
/// disk every connection can go on with its owner, and does if anything fails.
/// <para>One table (<see cref="Steps"/>) says what is done, what undoes it, and what a failure leaves.</para>
/// <para>Threads: any; it works in the connections' network namespace by itself.</para>
/// </summary>
public sealed partial class SessionSetCheckpoint
{
    /// <summary>Managed memory the freeze may use without a collection.</summary>
    private const long NoCollectionBytes = 64L << 20;

    private readonly SessionSetCheckpointOptions _options;
    private readonly SessionStepRunner<SessionSetCheckpoint> _runner;
    private readonly string _id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
    private readonly List<Taken> _taken = [];
    private readonly List<TimeSpan> _dumpTimes = [];
    private SessionSet? _before;
    private ProcessConnections? _connections;
    private NetworkNamespace? _namespace;
    private SessionHold? _hold;
    private readonly List<FirewallRules> _lock = [];
    private FrozenProcess? _owner;
    private SessionSet? _set;
    private SessionGuard? _guard;
    private long _cutNanoseconds;
    private int _held;
    private bool _hasConnections;
    private bool _isClosing;

    private SessionSetCheckpoint(SessionSetCheckpointOptions options)
    {
        _options = options;
        _runner = new SessionStepRunner<SessionSetCheckpoint>(Table, this, NoCollectionBytes) { Observer = options.StepObserver };
    }

    /// <summary>The table: every step there is, in order; which of them apply depends on the options.</summary>
    public static IReadOnlyList<SessionStep> Steps => Table;

    private bool IsHeld => _options.Lock == SessionLockKind.Hold && _hasConnections;

    /// <summary>Does it.</summary>
    /// <exception cref="CheckpointException">
    /// A connection can't be checkpointed, or a step failed. The connections go on with their owner, and the firewall is as it was; or, where the message says so, they are in the set.
    /// </exception>
    /// <exception cref="IOException">The firewall could not be changed, or a privilege is missing; the connections go on with their owner.</exception>
    public static SessionSetCheckpointResult Take(SessionSetCheckpointOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Pid == Environment.ProcessId)
        {
            throw new ArgumentException("A process can't checkpoint all of its own connections: it is stopped while that happens.", nameof(options));
        }

        var checkpoint = new SessionSetCheckpoint(options);
        try
        {
            return checkpoint._runner.Run() is { } failure ? throw checkpoint.Failure(failure) : checkpoint.Result();
        }
        finally
        {
            checkpoint._guard?.Dispose();
            checkpoint._namespace?.Dispose();
        }
    }

    /// <summary>The failure itself where the connections go on and everything is as it was.</summary>
    private CheckpointException Failure(SessionStepFailure failure) => failure.ToException(
        "checkpoint", !_isClosing, _isClosing
            ? $"The connections are in the set {_options.Directory}: interceptor restore {_options.Directory} goes on with them."
            : $"{GoOn} Rules of ours may still drop their packets: interceptor cleanup --all removes them.");

    private SessionSetCheckpointResult Result() => new()
    {
        Set = _set!,
        ImageBytes = new DirectoryInfo(_options.Directory).EnumerateFiles("*", SearchOption.AllDirectories).Sum(static file => file.Length),
        CarriedOver = _set!.Members.Count(static member => member.CarriedOver),
        Freeze = _runner.Freeze,
        DumpTimes = _dumpTimes,
        HeldPackets = _held,
        Steps = SessionCheckpointTiming.Of(_runner.Times),
        GuardProblem = _guard?.Problem,
        LockPlaces = _options.LeaveRunning ? [] : [.. _lock.SelectMany(static rules => rules.Places)],
    };

    /// <summary>A connection in the freeze.</summary>
    private sealed class Taken(PausedSocket socket, SessionSetMember? earlier)
    {
        internal PausedSocket Socket { get; } = socket;

        /// <summary>The same socket's image in the earlier set.</summary>
        internal SessionSetMember? Earlier { get; } = earlier;

        /// <summary>Null while the earlier one does.</summary>
        internal SessionImage? Image { get; set; }

        internal ulong Cookie { get; init; }

        /// <summary>True if nothing happened to it since <see cref="Earlier"/>.</summary>
        internal bool IsUnchanged { get; set; }

        /// <summary>As its peer sends.</summary>
        internal FlowKey Flow => new(Socket.Owner.Peer, Socket.Owner.Local, (byte)IpProtocol.Tcp);
    }
}
