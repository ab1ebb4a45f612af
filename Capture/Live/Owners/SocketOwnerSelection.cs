using Interceptor.Interop;

namespace Interceptor.Capture.Live;

/// <summary>
/// Which owners are meant. Of each kind any one is enough; of all kinds given each must hold, for one socket: <c>Pids = [1, 2], Uids = [0]</c> means a socket of root
/// that process 1 or 2 has open.
/// </summary>
public sealed class SocketOwnerSelection
{
    private readonly Dictionary<int, ulong> _processes = [];
    private readonly HashSet<string> _names;
    private readonly HashSet<uint> _uids;
    private readonly string[] _cgroups;

    /// <summary>Names what is meant.</summary>
    /// <param name="pids">Processes with all their threads; the number of any thread stands for its process. Their children are not meant.</param>
    /// <param name="names">Names of processes (/proc/PID/comm) or of their programs' files.</param>
    /// <param name="uids">Who made the socket.</param>
    /// <param name="cgroups">Control groups (version 2), with all below them: directories, or paths below the mount.</param>
    /// <exception cref="LinuxException">There is no such process or group.</exception>
    public SocketOwnerSelection(IEnumerable<int> pids, IEnumerable<string> names, IEnumerable<uint> uids, IEnumerable<string> cgroups)
    {
        ArgumentNullException.ThrowIfNull(pids);
        ArgumentNullException.ThrowIfNull(cgroups);
        foreach (int number in pids)
        {
            int pid = ProcessIdentity.ProcessOfThread(number) ?? number;
            _processes[pid] = ProcessIdentity.StartTimeOf(pid) ?? throw new LinuxException(Errno.ESRCH, "find", $"process {number}", "List those there are with: ps -e.");
        }

        _names = [.. names];
        _uids = [.. uids];
        _cgroups = [.. cgroups.Select(CgroupTree.PathOfDirectory)];
    }

    /// <summary>True if nothing is named: every socket is meant.</summary>
    public bool IsEmpty => _processes.Count + _names.Count + _uids.Count + _cgroups.Length == 0;

    /// <summary>True if it takes a look into processes to know.</summary>
    public bool NeedsProcesses => _processes.Count + _names.Count > 0;

    /// <summary>The processes named by number.</summary>
    public IEnumerable<int> Pids => _processes.Keys;

    /// <summary>Those of the names that no process has now: one may come.</summary>
    public IReadOnlyList<string> FindAbsentNames()
    {
        if (_names.Count == 0)
        {
            return [];
        }

        var processes = new List<int>();
        using (var reader = new ProcessSockets())
        {
            reader.ListProcesses(processes);
        }

        return [.. _names.Except(processes.SelectMany(static pid => (string[])[ProcessIdentity.NameOf(pid), ProcessIdentity.ProgramOf(pid)])).Order(StringComparer.Ordinal)];
    }

    /// <summary>True if that owner is meant. Allocates nothing.</summary>
    public bool Includes(SocketOwnerInfo owner)
    {
        ArgumentNullException.ThrowIfNull(owner);
        return (_uids.Count == 0 || _uids.Contains(owner.Uid))
            && (_cgroups.Length == 0 || IsInGroup(owner.Cgroup))
            && (!NeedsProcesses || HasProcess(owner));
    }

    /// <summary>True for a group itself and for all below it; each begins with a slash and only the root ends with one.</summary>
    internal static bool IsBelow(string path, string group) =>
        path.StartsWith(group, StringComparison.Ordinal) && (path.Length == group.Length || group.Length == 1 || path[group.Length] == '/');

    private bool HasProcess(SocketOwnerInfo owner)
    {
        foreach (SocketProcess process in owner.Processes)
        {
            if ((_processes.Count == 0 || (_processes.TryGetValue(process.Pid, out ulong start) && start == process.StartTicks))
                && (_names.Count == 0 || _names.Contains(process.Name) || _names.Contains(process.Program)))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsInGroup(string? path)
    {
        foreach (string group in _cgroups)
        {
            if (path is not null && IsBelow(path, group))
            {
                return true;
            }
        }

        return false;
    }
}
