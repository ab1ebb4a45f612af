using System.Collections.Immutable;
using Interceptor.Interop;

namespace Interceptor.Capture.Live;

/// <summary>
/// Which processes have a socket open. A look at every descriptor of every process is dear (some microseconds each), so a new socket is looked for where it
/// probably is, and no further than it is found: in the processes asked for, then in those that had sockets lately, then in new ones and a few others in turn.
/// A look at everything, which finds who else has a socket, is made seldom enough to take a twentieth of one processor.
/// <para>Threads: one at a time.</para>
/// </summary>
internal sealed class SocketHolders : IDisposable
{
    private const long FirstRetry = 50_000_000;
    private const long LongestRetry = 5_000_000_000;
    private const long ShortestFullPause = 2_000_000_000;
    private const int FullShare = 20;
    private const int MostCandidates = 256;
    private const int OthersInTurn = 16;

    private readonly ProcessSockets _reader = new();
    private readonly Dictionary<long, Record> _records = [];
    private readonly Dictionary<int, SocketProcess> _processes = [];
    private readonly List<int> _candidates = [];
    private readonly HashSet<int> _old = [];
    private readonly HashSet<int> _looked = [];
    private readonly List<int> _order = [];
    private readonly List<ProcessSocket> _sockets = [];
    private readonly List<long> _gone = [];
    private int[] _preferred = [];
    private int _round;
    private int _missing;
    private int _turn;
    private bool _isLookingEverywhere;
    private long _nextFull = long.MinValue;

    /// <summary>Processes that could not be looked at, the last time that everything was.</summary>
    internal int Refused { get; private set; }

    /// <summary>Processes to look at first: a socket of theirs is found with them also if another process has it too.</summary>
    internal void Prefer(IEnumerable<int> processes) => _preferred = [.. processes];

    /// <summary>Begins a listing of all sockets.</summary>
    internal void BeginRound() => _round++;

    /// <summary>A socket there is; the same object for it in each round.</summary>
    internal Record Track(long inode)
    {
        if (!_records.TryGetValue(inode, out Record? record))
        {
            record = new Record(inode);
            _records.Add(inode, record);
        }

        record.Round = _round;
        return record;
    }

    /// <summary>
    /// Ends the listing: forgets the sockets that were not in it and looks for the processes of new ones where they probably are. True if some were not found
    /// there: the sockets are to be listed once more, as those of short connections are gone by now, before <see cref="LookFurther"/>.
    /// </summary>
    internal bool EndRound(long now)
    {
        Forget();
        _missing = 0;
        foreach (Record record in _records.Values)
        {
            record.Sought = record.Holders.IsEmpty && now >= record.NextLook;
            record.IsKnown = true;
            _missing += record.Sought ? 1 : 0;
        }

        if (now >= _nextFull)
        {
            LookEverywhere(now);
            Postpone(now);
            return false;
        }

        if (_missing > 0)
        {
            LookWhereSocketsAre();
        }

        return _missing > 0;
    }

    /// <summary>Looks for the processes of these sockets alone, and only where sockets are; no listing. One that is not found is sought at the next.</summary>
    internal void LookFor(List<Record> records)
    {
        _missing = 0;
        foreach (Record record in records)
        {
            record.Sought = record.Holders.IsEmpty;
            _missing += record.Sought ? 1 : 0;
        }

        if (_missing > 0)
        {
            LookWhereSocketsAre();
        }

        records.ForEach(static record => record.Sought = false);
    }

    /// <summary>After a second listing: looks for the sockets that are still there and were not found, in all processes.</summary>
    internal void LookFurther(long now)
    {
        Forget();
        _missing = _records.Values.Count(static record => record.Sought);
        if (_missing > 0)
        {
            _order.Clear();
            _reader.ListProcesses(_order);
            LookInOrder(_order);
        }

        Postpone(now);
    }

    public void Dispose() => _reader.Dispose();

    /// <summary>A socket that no process was found for is looked for again ever more seldom: it may be under way between processes, or out of sight.</summary>
    private void Postpone(long now)
    {
        foreach (Record record in _records.Values)
        {
            if (record.Sought)
            {
                record.Sought = false;
                record.Pause = Math.Min(Math.Max(record.Pause * 2, FirstRetry), LongestRetry);
                record.NextLook = now + record.Pause;
            }
        }
    }

    private void Forget()
    {
        _gone.Clear();
        foreach (Record record in _records.Values)
        {
            if (record.Round != _round)
            {
                _gone.Add(record.Inode);
            }
        }

        _gone.ForEach(inode => _records.Remove(inode));
    }

    private void LookWhereSocketsAre()
    {
        _looked.Clear();
        foreach (int pid in _preferred)
        {
            Look(pid);
        }

        LookInOrder(_candidates);
        if (_missing > 0)
        {
            LookAtNewAndOthers();
        }
    }

    /// <summary>A process whose connections are all short is found in the end, though none of them lasts until every process was looked at.</summary>
    private void LookAtNewAndOthers()
    {
        _order.Clear();
        _reader.ListProcesses(_order);
        for (int i = _order.Count - 1; i >= 0 && _missing > 0; i--)
        {
            if (!_old.Contains(_order[i]))
            {
                Look(_order[i]);
            }
        }

        for (int i = 0; i < OthersInTurn && _missing > 0 && _order.Count > 0; i++)
        {
            _turn = (_turn + 1) % _order.Count;
            Look(_order[_turn]);
        }
    }

    /// <summary>From the last to the first, until everything is found.</summary>
    private void LookInOrder(List<int> processes)
    {
        for (int i = processes.Count - 1; i >= 0 && _missing > 0; i--)
        {
            Look(processes[i]);
        }
    }

    private void LookEverywhere(long now)
    {
        long start = Clock.MonotonicNanoseconds();
        foreach (Record record in _records.Values)
        {
            record.Before = record.Holders;
            record.Holders = [];
        }

        _processes.Clear();
        _looked.Clear();
        _order.Clear();
        _reader.ListProcesses(_order);
        _old.Clear();
        _old.UnionWith(_order);
        _candidates.RemoveAll(pid => !_old.Contains(pid));
        Refused = 0;
        _isLookingEverywhere = true;
        foreach (int pid in _order)
        {
            Look(pid);
        }

        _isLookingEverywhere = false;

        foreach (Record record in _records.Values)
        {
            // Nobody any more: it was closed since it was listed, as looking everywhere takes its time. Whose it was is still true.
            if (record.Holders.IsEmpty || record.Holders.SequenceEqual(record.Before))
            {
                record.Holders = record.Before;
            }
            else
            {
                record.Version++;
            }

            record.Before = [];
        }

        _nextFull = now + Math.Max(ShortestFullPause, FullShare * (Clock.MonotonicNanoseconds() - start));
    }

    private void Look(int pid)
    {
        if (!_looked.Add(pid))
        {
            return;
        }

        _sockets.Clear();
        int errno = _reader.TryListSockets(pid, _sockets);
        Refused += errno is Errno.EACCES or Errno.EPERM ? 1 : 0;
        if (errno is Errno.ENOENT or Errno.ESRCH)
        {
            _processes.Remove(pid);
        }

        foreach (ProcessSocket socket in _sockets)
        {
            if (_records.TryGetValue(socket.Inode, out Record? record))
            {
                AddHolder(record, pid);
            }
        }
    }

    private void AddHolder(Record record, int pid)
    {
        int at = 0;
        while (at < record.Holders.Length && record.Holders[at].Pid < pid)
        {
            at++;
        }

        if (at < record.Holders.Length && record.Holders[at].Pid == pid)
        {
            return;
        }

        _missing -= record.Sought ? 1 : 0;
        record.Sought = false;
        record.Holders = record.Holders.Insert(at, Describe(pid));
        record.Version += _isLookingEverywhere ? 0 : 1;
    }

    /// <summary>Read once between two looks at everything.</summary>
    private SocketProcess Describe(int pid)
    {
        if (_processes.TryGetValue(pid, out SocketProcess? known))
        {
            return known;
        }

        var process = new SocketProcess(pid, ProcessIdentity.StartTimeOf(pid) ?? 0, ProcessIdentity.NameOf(pid), ProcessIdentity.ProgramOf(pid));
        _processes[pid] = process;
        if (!_candidates.Contains(pid))
        {
            _candidates.RemoveRange(0, Math.Max(0, _candidates.Count - MostCandidates + 1));
            _candidates.Add(pid);
        }

        return process;
    }

    /// <summary>One socket and who has it.</summary>
    internal sealed class Record(long inode)
    {
        internal long Inode { get; } = inode;

        /// <summary>In order of their numbers.</summary>
        internal ImmutableArray<SocketProcess> Holders { get; set; } = [];

        /// <summary>Grows with each change of <see cref="Holders"/>.</summary>
        internal int Version { get; set; }

        internal ImmutableArray<SocketProcess> Before { get; set; } = [];

        internal int Round { get; set; }

        /// <summary>False while nobody has been looked for: it came with a second listing.</summary>
        internal bool IsKnown { get; set; }

        internal bool Sought { get; set; }

        internal long Pause { get; set; }

        internal long NextLook { get; set; } = long.MinValue;
    }
}
