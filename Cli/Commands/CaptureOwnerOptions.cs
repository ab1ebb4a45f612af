using System.CommandLine;
using System.Globalization;
using Interceptor.Capture.Files;
using Interceptor.Capture.Live;
using Interceptor.Cli.Output;
using Interceptor.Interop;

namespace Interceptor.Cli.Commands;

/// <summary>The options of a capture that ask whose the packets are.</summary>
internal static class CaptureOwnerOptions
{
    /// <summary>
    /// How long the kernel may keep packets of such a capture: the socket of a short connection must still be there when we hear of it.
    /// </summary>
    private static readonly TimeSpan GatherTime = TimeSpan.FromMilliseconds(5);

    private static readonly Option<int[]> Pids = new("--pid") { Description = "Only packets of the sockets of a process, its threads included and its children not. Repeat for any of several.", HelpName = "PID" };
    private static readonly Option<string[]> Names = new("--process") { Description = "Only packets of the sockets of processes of that name (as in ps -e), or whose program's file has it.", HelpName = "NAME" };
    private static readonly Option<string[]> Users = new("--uid") { Description = "Only packets of the sockets that a user made, by number or name.", HelpName = "USER" };
    private static readonly Option<string[]> Cgroups = new("--cgroup") { Description = "Only packets of the sockets made in a control group (version 2) or below it, as /system.slice/ssh.service.", HelpName = "PATH" };
    private static readonly Option<bool> Annotate = new("--annotate") { Description = "Say of each packet which process it is of: as its comment in a pcapng file, or in the line below it." };

    /// <summary>All of them, in the order of the help.</summary>
    internal static IEnumerable<Option> All => [Pids, Names, Users, Cgroups, Annotate];

    /// <summary>True if any of them is given.</summary>
    internal static bool AreGiven(ParseResult parsed) => All.Any(option => parsed.GetResult(option) is { Implicit: false });

    /// <summary>The capture's options with what these need.</summary>
    internal static LiveCaptureOptions Adapt(LiveCaptureOptions options, ParseResult parsed) =>
        AreGiven(parsed) && options.GatherTime > GatherTime ? options with { GatherTime = GatherTime } : options;

    /// <summary>Refuses what the file's format has no place for.</summary>
    /// <exception cref="UsageException">A comment in a pcap file.</exception>
    internal static void Check(ParseResult parsed, CaptureFileFormat? format)
    {
        if (parsed.GetValue(Annotate) && format == CaptureFileFormat.Pcap)
        {
            throw new UsageException("--annotate writes comments, for which pcap has no place: name the file .pcapng.");
        }
    }

    /// <summary>Begins to watch the sockets of the calling thread's network namespace; null where nothing asks for it.</summary>
    /// <exception cref="UsageException">An option has a value that there is not.</exception>
    /// <exception cref="LinuxException">There is no such process or group.</exception>
    internal static SocketOwnerWatch? Watch(ParseResult parsed, CommandOutput output, out OwnerPacketSelector? selector)
    {
        selector = null;
        if (!AreGiven(parsed))
        {
            return null;
        }

        var selection = new SocketOwnerSelection(
            parsed.GetValue(Pids) ?? [], (parsed.GetValue(Names) ?? []).Select(NameOf), (parsed.GetValue(Users) ?? []).Select(UidOf), (parsed.GetValue(Cgroups) ?? []).Select(GroupOf));
        SocketOwnerWatch watch = SocketOwnerWatch.Start(selection.Pids);
        bool annotate = parsed.GetValue(Annotate);
        selector = new OwnerPacketSelector(watch, selection, annotate);
        if (NeedsProcesses(parsed) && watch.Table.RefusedProcesses is var refused and > 0)
        {
            output.Warn($"{refused} {(refused == 1 ? "process" : "processes")} may not be looked at: packets of their sockets count as of nobody. "
                + "It takes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, as root has on its own machine. --uid and --cgroup need neither.");
        }

        foreach (string name in selection.FindAbsentNames())
        {
            output.Warn($"no process is named {Printable.Escape(name)} now: its packets are taken once there is one.");
        }

        if (!watch.Table.HasUdp)
        {
            output.Warn("the kernel does not list UDP sockets (CONFIG_INET_UDP_DIAG): only TCP packets have owners.");
        }

        return watch;
    }

    /// <summary>True if processes must be looked at, which <c>-Z</c> makes impossible but for those of its user.</summary>
    internal static bool NeedsProcesses(ParseResult parsed) =>
        parsed.GetValue(Pids) is { Length: > 0 } || parsed.GetValue(Names) is { Length: > 0 } || parsed.GetValue(Annotate);

    private static string NameOf(string name) => name.Length > 0 && !name.Contains('/')
        ? name
        : throw new UsageException($"--process wants a process's name, as ps -e shows it, or its program's without directories: '{name}' is none.");

    private static string GroupOf(string path) => path.Length > 0 ? path : throw new UsageException("--cgroup wants a group's path, as /system.slice/ssh.service; / means all groups.");

    private static uint UidOf(string user) =>
        uint.TryParse(user, NumberStyles.None, CultureInfo.InvariantCulture, out uint uid) ? uid
        : UserAccount.Find(user)?.Uid ?? throw new UsageException($"--uid wants a user's number or name: there is no user '{user}'.");
}
