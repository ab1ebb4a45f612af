using Interceptor.Interop;

namespace Interceptor.Capture.Live;

/// <summary>
/// The control groups of version 2 by the number that the kernel gives with a socket: the inode of the group's directory. Read anew when an unknown number comes.
/// <para>Threads: one at a time.</para>
/// </summary>
internal sealed class CgroupTree
{
    private const long ShortestPause = 1_000_000_000;

    private readonly Dictionary<ulong, string> _paths = [];
    private readonly string? _mount = FindMount();
    private long _nextRead = long.MinValue;

    /// <summary>The path of a group below the mount, <c>/</c> for the root; null where there is none of that number.</summary>
    /// <param name="id">The number; 0 is none.</param>
    /// <param name="now">Monotonic nanoseconds: the tree is walked at most once a second.</param>
    internal string? PathOf(ulong id, long now)
    {
        if (id == 0 || _mount is null || _paths.TryGetValue(id, out string? path))
        {
            return id == 0 || _mount is null ? null : _paths[id];
        }

        if (now < _nextRead)
        {
            return null;
        }

        Read();
        _nextRead = now + ShortestPause;
        return _paths.GetValueOrDefault(id);
    }

    /// <summary>The path below the mount of a group that is named by its directory, or by its path below the mount.</summary>
    /// <exception cref="LinuxException">There is no such group of version 2.</exception>
    internal static string PathOfDirectory(string name)
    {
        const string Remedy = "It wants the directory of a version 2 group, as /sys/fs/cgroup/system.slice, or its path below the mount, as /system.slice.";
        string mount = FindMount() ?? throw new LinuxException(Errno.ENOENT, "find", $"control group {name}",
            "No cgroup2 file system is mounted here. The command ip netns exec hides it: name the network namespace with --netns instead.");
        string path = Path.GetFullPath(name, "/");
        bool isBelow = path == mount || path.StartsWith(mount + "/", StringComparison.Ordinal);
        string group = isBelow ? path[mount.Length..] : path;
        group = group.Length > 1 ? group.TrimEnd('/') : "/";
        return Directory.Exists(mount + group) ? group : throw new LinuxException(Errno.ENOENT, "find", $"control group {name}", Remedy);
    }

    private void Read()
    {
        _paths.Clear();
        Add(_mount!, "/");
        var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint };
        foreach (string directory in Directory.EnumerateDirectories(_mount!, "*", options))
        {
            Add(directory, directory[_mount!.Length..]);
        }
    }

    private void Add(string directory, string path)
    {
        if (FileStatus.Of(directory) is { } status)
        {
            _paths[status.Inode] = path;
        }
    }

    /// <summary>proc_pid_mountinfo(5): ... (5) mount point ... - (1) type ...</summary>
    private static string? FindMount()
    {
        try
        {
            foreach (string line in File.ReadLines("/proc/self/mountinfo"))
            {
                int separator = line.IndexOf(" - ", StringComparison.Ordinal);
                string[] fields = line.Split(' ');
                if (separator > 0 && fields.Length > 4 && line.AsSpan(separator + 3).StartsWith("cgroup2 "))
                {
                    return fields[4].Replace("\\040", " ", StringComparison.Ordinal);
                }
            }
        }
        catch (IOException)
        {
            // No /proc: there are no names.
        }

        return null;
    }
}
