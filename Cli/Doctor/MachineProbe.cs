using System.Runtime.InteropServices;
using Interceptor.Capture.Intercept;
using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Cli.Doctor;

/// <summary>
/// Finds out what this machine can do by trying it, in a network namespace of its own, so that nothing of the machine's is touched.
/// What a kernel was built with is not asked: only what works counts.
/// </summary>
internal static class MachineProbe
{
    private const string AsRoot = "Run as root, or inside: unshare -Urn.";
    private const ushort TrialQueue = 1;

    internal static IReadOnlyList<MachineFinding> Run()
    {
        var findings = new List<MachineFinding>
        {
            Try("libpcap", "filters, capture, interfaces", true, "apt-get install libpcap0.8", LoadLibpcap),
            Try("libzstd", "captures compressed with Zstandard", false, "apt-get install libzstd1", LoadLibzstd),
            Try("iptables", "intercept, checkpoint, demo", true, "apt-get install iptables", () => FindTool("iptables-restore")),
            Try("ip", "tests and scripts", false, "apt-get install iproute2", () => FindTool("ip")),
            Try("unshare", "demo without root", false, "apt-get install util-linux", () => FindTool("unshare")),
        };
        NetworkNamespace? trial = null;
        findings.Add(Try("network namespaces", "demo, --netns", true, AsRoot, () =>
        {
            trial = NetworkNamespace.Create("doctor");
            return "a new one can be made";
        }));
        using (trial)
        {
            AddKernelFindings(findings, trial);
        }

        findings.Add(Try("user namespaces", "everything without root", false, "sysctl -w user.max_user_namespaces=10000", ReadUserNamespaces));
        return findings;
    }

    private static void AddKernelFindings(List<MachineFinding> findings, NetworkNamespace? trial)
    {
        void Add(string name, string neededFor, string remedy, Func<string> attempt) =>
            findings.Add(Try(name, neededFor, true, remedy, () => trial is null ? attempt() : trial.Run(attempt)));

        Add("packet sockets", "capture, replay", $"They need CAP_NET_RAW. {AsRoot}", OpenPacketSocket);
        Add("interception queue (nfnetlink_queue)", "intercept, demo", $"The kernel needs CONFIG_NETFILTER_NETLINK_QUEUE, and we CAP_NET_ADMIN. {AsRoot}", OpenQueue);
        Add("veth", "demo", $"The kernel needs CONFIG_VETH, and we CAP_NET_ADMIN. {AsRoot}", MakeVeth);
        Add("TCP_REPAIR", "checkpoint, restore, demo", $"The kernel needs CONFIG_CHECKPOINT_RESTORE, and we CAP_NET_ADMIN. {AsRoot}", EnterRepair);
        Add("pidfd_getfd", "checkpoint, demo", "The kernel needs to be 5.6 or newer; another user's process needs CAP_SYS_PTRACE.", TakeDescriptor);
        const string RulesRemedy = "The kernel needs the NFQUEUE target and xt_bpf (CONFIG_NETFILTER_XT_TARGET_NFQUEUE, CONFIG_NETFILTER_XT_MATCH_BPF).";
        findings.Add(Try("nft's queue statement", "intercept, where iptables can't", false,
            "The kernel needs CONFIG_NFT_QUEUE; it is not needed where iptables' NFQUEUE target works, which also takes the filter into the kernel.", () => QueueByNft(trial)));
        findings.Add(trial is null
            ? new("firewall rules (NFQUEUE, bpf)", "intercept, demo", true, false, "not tried: only in a namespace of our own", AsRoot)
            : Try("firewall rules (NFQUEUE, bpf)", "intercept, demo", true, RulesRemedy, () => InstallRules(trial)));
    }

    private static MachineFinding Try(string name, string neededFor, bool isNeeded, string remedy, Func<string> attempt)
    {
        try
        {
            return new(name, neededFor, isNeeded, true, attempt(), null);
        }
#pragma warning disable CA1031 // Whatever a trial fails with is its finding.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return new(name, neededFor, isNeeded, false, exception.Message, remedy);
        }
    }

    private static string LoadLibpcap()
    {
        LibPcap.Require();
        return PacketFilter.Compile("tcp port 80", LinkType.Raw).Program.Instructions.Length > 0 ? "loads and compiles filters" : "compiles to nothing";
    }

    private static string LoadLibzstd()
    {
        LibZstd.Require();
        return "loads";
    }

    private static string FindTool(string tool) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(["/usr/sbin", "/sbin"])
        .Where(directory => directory.StartsWith('/'))
        .Select(directory => Path.Combine(directory, tool)).FirstOrDefault(File.Exists)
        ?? throw new FileNotFoundException("not found");

    private static string OpenPacketSocket()
    {
        using FileDescriptor socket = NativeSocket.Create(Libc.AF_PACKET, Libc.SOCK_RAW, 0);
        return "can be opened";
    }

    private static string OpenQueue()
    {
        using InterceptionQueue queue = InterceptionQueue.Open(new InterceptionQueueOptions { Number = TrialQueue });
        return queue.RefusedFlags == InterceptionQueueFlags.None ? $"can be bound ({queue.Flags})" : $"can be bound ({queue.Flags}; not {queue.RefusedFlags})";
    }

    private static string MakeVeth()
    {
        using NetworkNamespace other = NetworkNamespace.Create("doctor-peer");
        using NetworkNamespace here = NetworkNamespace.Create("doctor-end");
        using VethLink link = VethLink.Create(here, "doctor0", "192.0.2.1/30", other, "doctor1", "192.0.2.2/30");
        return "a pair can be made";
    }

    private static string EnterRepair()
    {
        using FileDescriptor socket = NativeSocket.Create(Libc.AF_INET, Libc.SOCK_STREAM, 0);
        NativeSocket.SetInt(socket, Libc.IPPROTO_TCP, Libc.TCP_REPAIR, Libc.TCP_REPAIR_ON, "setsockopt(TCP_REPAIR)", "a new socket");
        return "a socket can be put into repair";
    }

    private static string TakeDescriptor()
    {
        using FileDescriptor socket = NativeSocket.Create(Libc.AF_INET, Libc.SOCK_DGRAM, 0);
        using ProcessDescriptor self = ProcessDescriptor.Open(Environment.ProcessId);
        using FileDescriptor copy = self.Duplicate(socket.Number);
        return "a descriptor can be taken out of a process";
    }

    private static string InstallRules(NetworkNamespace trial)
    {
        var match = new FirewallMatch { Bytecode = PacketFilter.Compile("tcp", LinkType.Raw).Program.ToXtBytecode() };
        var rule = new FirewallRule(FirewallHook.Output, match, FirewallTarget.ToQueue(TrialQueue, bypass: true));
        using FirewallRules rules = FirewallRules.Install([rule], new FirewallOptions { Namespace = trial, Backend = FirewallBackend.System });
        return $"can be installed and removed ({string.Join(", ", rules.Places)})";
    }

    private static string QueueByNft(NetworkNamespace? trial)
    {
        if (trial is null)
        {
            throw new InvalidOperationException("not tried: only in a namespace of our own");
        }

        var rule = new FirewallRule(FirewallHook.Output, FirewallMatch.All, FirewallTarget.ToQueue(TrialQueue, bypass: true));
        using FirewallRules rules = FirewallRules.Install([rule], new FirewallOptions { Namespace = trial, Backend = FirewallBackend.Nftables });
        return $"can be installed and removed ({string.Join(", ", rules.Places)})";
    }

    private static string ReadUserNamespaces()
    {
        string limit = File.ReadAllText("/proc/sys/user/max_user_namespaces").Trim();
        const string DebianSwitch = "/proc/sys/kernel/unprivileged_userns_clone";
        bool refused = limit == "0" || (File.Exists(DebianSwitch) && File.ReadAllText(DebianSwitch).Trim() == "0");
        return refused ? throw new InvalidOperationException("not allowed to users") : $"up to {limit}";
    }

    /// <summary>The machine in a line.</summary>
    internal static string Describe() =>
        $"{RuntimeInformation.OSDescription.Trim()}, Linux {File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}, {RuntimeInformation.OSArchitecture}, {RuntimeInformation.FrameworkDescription}, {(Libc.geteuid() == 0 ? "root" : $"user {Libc.geteuid()}")}";
}
