using System.Globalization;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Interop;

namespace Interceptor.Replay;

/// <summary>What a guard has of a guarded process's connections, and what it does with it when that process has died. One thread, besides the one that lets packets go on.</summary>
internal sealed partial class SessionWard : IDisposable
{
    private const int EndMilliseconds = 1000;
    private const int TurnMilliseconds = 5;
    private const int RuleTries = 10;
    private readonly List<OrphanedQueue> _queues = [];
    private readonly List<Connection> _connections = [];
    private SessionGuardOrder? _order;
    private ProcessDescriptor? _guarded;
    private ProcessDescriptor? _owner;
    private bool _ownerWasStopped;
    private bool _isLetGo;
    private NetworkNamespace? _namespace;
    private SessionGuardMemory? _memory;
    private GuardedSocket? _entrusted;

    /// <summary>What became of a connection.</summary>
    private enum Fate
    {
        GoesOn,
        Taken,
        Delivered,
    }

    /// <exception cref="LinuxException">EPERM without the right to trace the guarded process.</exception>
    internal void Arm(SessionGuardOrder order)
    {
        _guarded = ProcessDescriptor.Open(order.Pid);
        _owner = ProcessDescriptor.FromDescriptor(_guarded.Duplicate(order.Owner), order.OwnerPid);
        _ownerWasStopped = FrozenProcess.IsStopped(order.OwnerPid);
        foreach (SessionGuardQueue queue in order.Queues)
        {
            _queues.Add(new OrphanedQueue(_guarded.Duplicate(queue.Descriptor), queue.Number));
        }

        foreach (SessionGuardConnection connection in order.Connections)
        {
            _connections.Add(new Connection(connection, new GuardedSocket(_guarded.Duplicate(connection.Socket), connection.Name)));
        }

        _namespace = _connections[0].Socket!.OpenNamespace();
        _memory = order.Memory < 0 ? null : new SessionGuardMemory(_guarded.Duplicate(order.Memory));
        _order = order;
    }

    internal void Entrust(int descriptor) => _entrusted = new GuardedSocket(_guarded!.Duplicate(descriptor), _connections[0].Order.Name);

    /// <summary>The connections are with their owner again: a duplicate would only keep the owner from closing them.</summary>
    internal void LetGo()
    {
        _isLetGo = true;
        foreach (Connection connection in _connections)
        {
            connection.Socket?.Dispose();
            connection.Socket = null;
        }
    }

    /// <summary>The guarded process is dead. What fails is reported, and the rest is done all the same.</summary>
    internal void Rescue(Action<string> report)
    {
        if (_order is null)
        {
            return;
        }

        _guarded!.WaitForEnd(EndMilliseconds);
        (SessionGuardMemory.Stage stage, SessionImage? image) = _memory?.Read() ?? default;
        SessionSet? set = ReadSet();
        HashSet<string>? taken = TakenWith(set);
        foreach (Connection connection in _connections)
        {
            connection.Fate = stage == SessionGuardMemory.Stage.Delivered ? Fate.Delivered
                : taken?.Contains(connection.Order.Name) ?? connection.Socket is { IsDissolved: true } ? Fate.Taken : Fate.GoesOn;
        }

        // Where connections differ, the packets are not told apart any more, and one that is dropped is sent again.
        bool mayPass = _connections.TrueForAll(static connection => connection.Fate != Fate.Taken);
        foreach (Connection connection in _connections)
        {
            Try(report, () => Settle(connection, image));
        }

        bool hasRest = false;
        using (new Passing(_queues, mayPass))
        {
            if (!_ownerWasStopped)
            {
                Try(report, () => _owner!.Signal(Libc.SIGCONT));
            }

            Try(report, () => hasRest = RemoveRules());
        }

        CloseQueues();
        if (hasRest)
        {
            Try(report, () => RemoveRules());
        }

        if (_order.Set is { } order)
        {
            Try(report, () => RemoveFiles(order.Directory, isObsolete: set is not null && mayPass));
            report(SetOutcome(order));
            return;
        }

        foreach (Connection connection in _connections)
        {
            Try(report, () => RemoveFiles(connection.Order.Directory, connection.Fate == Fate.GoesOn && IsOnDisk(connection.Order)));
            report($"process {_order.Pid} ended within its work on connection {connection.Order.Name}: {connection.Outcome}");
        }
    }

    public void Dispose()
    {
        LetGo();
        CloseQueues();
        _entrusted?.Dispose();
        _memory?.Dispose();
        _owner?.Dispose();
        _guarded?.Dispose();
        _namespace?.Dispose();
    }

    private void Settle(Connection connection, SessionImage? image)
    {
        SessionGuardConnection order = connection.Order;
        if (connection.Fate != Fate.Taken)
        {
            connection.Socket?.Resume();
            connection.Outcome = connection.Fate == Fate.Delivered ? "it goes on with its new owner." : "it goes on with its owner.";
            return;
        }

        if (_order!.Set is not null)
        {
            CloseToo(connection);
        }
        else if (IsOnDisk(order))
        {
            connection.Outcome = $"it is in the image {order.Directory}: interceptor restore {order.Directory} goes on with it.";
        }
        else if (image is not null)
        {
            connection.Outcome = "it is lost: its image could not be written.";
            image = image with { Lock = SessionLockRules.For(image) };
            Exception? failure = null;
            try
            {
                _entrusted?.CloseSilently();
                string place = SessionRescue.Write(image, order.Directory);
                connection.Outcome = $"it is in the image {place}: interceptor restore {place} goes on with it.";
            }
            catch (Exception exception) when (exception is CheckpointException or IOException or UnauthorizedAccessException)
            {
                failure = exception;
            }

            SessionLockRules.Install(image, _namespace!);
            if (failure is not null)
            {
                throw failure;
            }
        }
        else
        {
            connection.Fate = Fate.GoesOn;
            connection.Outcome = "it had ended by itself.";
        }
    }

    private static bool IsOnDisk(SessionGuardConnection order)
    {
        try
        {
            return order.Directory is { } directory && (string?)SessionImageDirectory.ReadDocument(directory)["id"] == order.ImageId;
        }
        catch (CheckpointException)
        {
            return false;
        }
    }

    private void CloseQueues()
    {
        _queues.ForEach(static queue => queue.Dispose());
        _queues.Clear();
    }

    /// <summary>Until none is found: a firewall command that the guarded process had started may end after it. True if an empty rest stayed, as of nft's tables while a queue is open.</summary>
    private bool RemoveRules()
    {
        var owner = new FirewallOwner(_order!.Pid, _order.StartTime, null);
        IEnumerable<string> locks = _connections.Where(static connection => connection.Fate == Fate.GoesOn && connection.Order.ImageId is not null)
            .Select(static connection => connection.Order.ImageId!);
        if (_order.Set is { } set && _connections.TrueForAll(static connection => connection.Fate == Fate.GoesOn))
        {
            locks = [set.Id];
        }

        List<FirewallOwner> gone = [owner, .. locks.Select(FirewallOwner.Lock)];
        bool hasRest = false;
        bool hadAny = true;
        for (int attempt = 0; attempt < RuleTries && hadAny; attempt++)
        {
            List<FirewallCleanupReport> reports = [.. gone.Select(one => FirewallCleanup.RemoveOwner(one, _namespace))];
            hadAny = reports.Exists(static one => one.Removed.Count > 0);
            hasRest = reports[^1].Kept.Any(chain => gone.Contains(chain.Owner));
        }

        return hasRest;
    }

    /// <summary>An image of a connection that was to be taken away and goes on would mislead, and an unfinished one is of no use.</summary>
    private void RemoveFiles(string? directory, bool isObsolete)
    {
        if (directory is null)
        {
            return;
        }

        if (isObsolete && !_isLetGo)
        {
            SessionImageDirectory.Delete(directory);
        }

        string identity = string.Create(CultureInfo.InvariantCulture, $"-{_order!.Pid}-{_order.StartTime}-");
        foreach (string unfinished in SessionImageDirectory.FindUnfinished(Path.GetDirectoryName(directory) ?? "/"))
        {
            if (unfinished.Contains(identity, StringComparison.Ordinal))
            {
                SessionImageDirectory.Delete(unfinished);
            }
        }
    }

    private static void Try(Action<string> report, Action action)
    {
        try
        {
            action();
        }
#pragma warning disable CA1031 // Nobody else is left to do the rest.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            report(exception.Message);
        }
    }

    private sealed class Connection(SessionGuardConnection order, GuardedSocket socket)
    {
        internal SessionGuardConnection Order { get; } = order;

        internal GuardedSocket? Socket { get; set; } = socket;

        internal Fate Fate { get; set; }

        internal string Outcome { get; set; } = "";
    }

    /// <summary>Decides about what the queues have, and then, until disposed, about what the rules still send there.</summary>
    private sealed class Passing : IDisposable
    {
        private readonly IReadOnlyList<OrphanedQueue> _queues;
        private readonly bool _accept;
        private readonly ManualResetEventSlim _stop = new();
        private readonly Thread _thread;

        internal Passing(IReadOnlyList<OrphanedQueue> queues, bool accept)
        {
            _queues = queues;
            _accept = accept;
            Decide();
            _thread = new Thread(Loop) { IsBackground = true, Name = "orphaned packets" };
            _thread.Start();
        }

        public void Dispose()
        {
            _stop.Set();
            _thread.Join();
            _stop.Dispose();
            Decide();
        }

        private void Loop()
        {
            while (!_stop.Wait(TurnMilliseconds))
            {
                Decide();
            }
        }

        private void Decide()
        {
            foreach (OrphanedQueue queue in _queues)
            {
                try
                {
                    queue.DecideAll(_accept);
                }
                catch (LinuxException)
                {
                    // The kernel has none of them any more.
                }
            }
        }
    }
}
