using System.Collections.Immutable;

namespace Interceptor.Capture.Live;

/// <summary>Whose a socket is. Immutable; any thread.</summary>
public sealed class SocketOwnerInfo
{
    private string? _text;

    internal SocketOwnerInfo(uint uid, ulong cgroupId, string? cgroup, ImmutableArray<SocketProcess> processes)
    {
        Uid = uid;
        CgroupId = cgroupId;
        Cgroup = cgroup;
        Processes = processes;
    }

    /// <summary>Who made the socket: a program that gave up its privileges afterwards has sockets of root.</summary>
    public uint Uid { get; }

    /// <summary>The version 2 control group in which it was made: the inode of its directory. 0 where the kernel does not say (before Linux 5.9).</summary>
    public ulong CgroupId { get; }

    /// <summary>That group's path below its file system, as <c>/system.slice/nginx.service</c>; null where it is gone or not shown.</summary>
    public string? Cgroup { get; }

    /// <summary>The processes that have it open, in order of their numbers. Empty if none was found: it was closed before, or is of a process that may not be looked at.</summary>
    public ImmutableArray<SocketProcess> Processes { get; }

    /// <summary>The first of the processes; null for none.</summary>
    public SocketProcess? Process => Processes.IsEmpty ? null : Processes[0];

    /// <summary><c>nginx[4242]+3 uid=33 cgroup=/system.slice/nginx.service</c>: the first process, how many others have the socket too, and what is known besides.</summary>
    public override string ToString() => _text ??= Describe();

    private string Describe()
    {
        string others = Processes.Length > 1 ? $"+{Processes.Length - 1}" : "";
        string process = Process is { } first ? $"{Harmless(first.Name)}[{first.Pid}]{others} " : "";
        return Cgroup is null ? $"{process}uid={Uid}" : $"{process}uid={Uid} cgroup={Harmless(Cgroup)}";
    }

    /// <summary>A name must not look like the end of the field that it stands in.</summary>
    private static string Harmless(string name) =>
        string.Create(name.Length, name, static (to, from) =>
        {
            for (int i = 0; i < to.Length; i++)
            {
                to[i] = char.IsControl(from[i]) || from[i] is ';' or ' ' ? '_' : from[i];
            }
        });
}
