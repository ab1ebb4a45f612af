using System.CommandLine;
using System.Globalization;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Cli.Demo;
using Interceptor.Cli.Output;
using Interceptor.Interop;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor cleanup</c>: removes what a crash left behind. Running it again does nothing.</summary>
internal static class CleanupCommand
{
    private static readonly Option<bool> All = new("--all") { Description = "Remove the locks of checkpointed sessions as well: their connections then lose their protection." };

    private static readonly Option<string[]> Lock = new("--lock")
    {
        Description = "Remove the lock with this id, as checkpoint and cleanup tell it, or with this comment (interceptor:lock:ID). Repeatable.",
        HelpName = "ID",
    };

    private static readonly Option<string?> Netns = new("--netns")
    {
        Description = "Look in this network namespace (a name of ip netns, or a path). Default: the one it is run in.",
        HelpName = "NAME",
    };

    internal static Command Create()
    {
        var command = new Command("cleanup", "Removes firewall rules and temporary files of ours whose process is gone; harmless where there are none.") { All, Lock, Netns };
        command.SetBody(Run);
        return command;
    }

    private static int Run(ParseResult parsed, CommandContext context)
    {
        string? name = parsed.GetValue(Netns);
        HashSet<string> locks = ReadLocks(parsed);
        bool all = parsed.GetValue(All);
        using NetworkNamespace? network = name is null ? null : NetworkNamespace.Open(name);
        FirewallCleanupReport report = FirewallCleanup.Run(id => all || locks.Contains(id), network);
        foreach (string unreadable in report.Unreadable)
        {
            context.Output.Warn(Printable.Escape(unreadable));
        }

        foreach (FirewallChain chain in report.Removed)
        {
            Show(context.Output, chain, "removed");
        }

        foreach (FirewallChain chain in report.Kept)
        {
            Show(context.Output, chain, "kept");
        }

        int directories = RemoveDirectories(context.Output);
        if (context.Output.Json)
        {
            context.Output.WriteJson("summary", json =>
            {
                json.WriteNumber("removed", report.Removed.Count);
                json.WriteNumber("removed_directories", directories);
                json.WriteNumber("kept", report.Kept.Count);
            });
        }
        else if (report.Removed.Count + report.Kept.Count + directories + locks.Count == 0)
        {
            context.Output.Text.WriteLine(name is null
                ? "nothing to clean up in this network namespace (for another: --netns NAME)"
                : $"nothing to clean up in network namespace {Printable.Escape(name)}");
        }

        return Conclude(locks, report, name, context.Output);
    }

    private static HashSet<string> ReadLocks(ParseResult parsed)
    {
        var locks = new HashSet<string>(StringComparer.Ordinal);
        foreach (string text in parsed.GetValue(Lock) ?? [])
        {
            string comment = text.Contains(':', StringComparison.Ordinal) ? text : $"interceptor:lock:{text}";
            locks.Add(FirewallOwner.TryParse(comment, out FirewallOwner owner) && owner.LockId is { } id
                ? id
                : throw new UsageException($"--lock wants the id of a lock, as 1f2e3d4c, not '{Printable.Escape(text)}'."));
        }

        return locks;
    }

    /// <summary>A lock that was asked for and is not there is not nothing: its rules may be in another namespace.</summary>
    private static int Conclude(HashSet<string> locks, FirewallCleanupReport report, string? network, CommandOutput output)
    {
        string[] missing = [.. locks.Except(report.Removed.Select(static chain => chain.Owner.LockId ?? "")).Order(StringComparer.Ordinal)];
        foreach (string id in missing)
        {
            output.Warn($"there is no lock {id} in {(network is null ? "this network namespace (for another: --netns NAME)" : $"network namespace {Printable.Escape(network)}")}.");
        }

        return missing.Length == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    /// <summary>What a demo or an unfinished checkpoint left among the temporary files and in the current directory; returns how many.</summary>
    private static int RemoveDirectories(CommandOutput output)
    {
        IEnumerable<string> leftovers = DemoDirectory.FindLeftovers()
            .Concat(SessionImageDirectory.FindUnfinished(Path.GetTempPath()))
            .Concat(SessionImageDirectory.FindUnfinished(Environment.CurrentDirectory))
            .Distinct();
        int removed = 0;
        foreach (string path in leftovers)
        {
            string shown = Printable.Escape(path);
            try
            {
                Directory.Delete(path, recursive: true);
                removed++;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                output.Warn($"{shown} is left over and could not be removed: {Printable.Escape(exception.Message)}");
                continue;
            }

            if (output.Json)
            {
                output.WriteJson("directory", json =>
                {
                    json.WriteString("action", "removed");
                    json.WriteString("path", shown);
                });
            }
            else
            {
                output.Text.WriteLine($"removed {shown} of a process that is gone");
            }
        }

        return removed;
    }

    private static void Show(CommandOutput output, FirewallChain chain, string action)
    {
        string owner = chain.Owner switch
        {
            { IsLock: true } lockOwner => $"lock {lockOwner.LockId}",
            var process => string.Create(CultureInfo.InvariantCulture, $"process {process.ProcessId}"),
        };
        string reason = chain.Owner.IsLock ? "" : chain.Owner.IsAlive ? ", which is running" : ", which is gone";
        if (output.Json)
        {
            output.WriteJson("chain", json =>
            {
                json.WriteString("action", action);
                json.WriteString("table", chain.Table);
                json.WriteString("chain", Printable.Escape(chain.Name));
                json.WriteNumber("ip_version", chain.IpVersion);
                json.WriteString("backend", Backend(chain));
                json.WriteString("owner", owner);
            });
        }
        else
        {
            output.Text.WriteLine($"{action} {(chain.IpVersion == 0 ? "IP" : $"IPv{chain.IpVersion}")} {chain.Table}/{Printable.Escape(chain.Name)} ({Backend(chain)}) of {owner}{reason}");
        }
    }

    private static string Backend(FirewallChain chain) => chain.Backend switch
    {
        FirewallBackend.Legacy => "iptables-legacy",
        FirewallBackend.Nft => "iptables-nft",
        FirewallBackend.Nftables => "nft",
        _ => "iptables",
    };
}
