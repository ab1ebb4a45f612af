using System.CommandLine;
using Interceptor.Capture.Injection;

namespace Interceptor.Cli.Replaying;

/// <summary>The options of a replay that say where packets go.</summary>
internal sealed class TargetArguments
{
    private readonly Option<string> _interface = new("--interface", "-i") { Description = "The interface to send on. See: interceptor interfaces.", HelpName = "IF" };
    private readonly Option<bool> _qdiscBypass = new("--qdisc-bypass") { Description = "Past the interface's queueing discipline to its driver: faster, unshaped, and unseen by captures on this machine." };
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Send nothing and wait for nothing: tell what would be sent, and in what time." };

    /// <summary>All of them, in the order of the help.</summary>
    internal IEnumerable<Option> All => [_interface, _qdiscBypass, _dryRun];

    /// <summary>True for a rehearsal.</summary>
    internal bool IsDry(ParseResult parsed) => parsed.GetValue(_dryRun);

    /// <summary>The interface as it was named; null where none was.</summary>
    internal string? InterfaceOf(ParseResult parsed) => parsed.GetValue(_interface);

    /// <summary>Before anything is opened.</summary>
    /// <exception cref="UsageException">It names no target.</exception>
    internal void Check(ParseResult parsed)
    {
        if (parsed.GetValue(_interface) is null && !IsDry(parsed))
        {
            throw new UsageException("replay needs -i INTERFACE to send on, --to HOST to play to, or --dry-run to send nothing.");
        }
    }

    /// <summary>Opens what the packets are sent on; null for a rehearsal.</summary>
    /// <exception cref="Interop.LinuxException">There is no such interface, or no permission.</exception>
    internal IPacketInjector? Open(ParseResult parsed) =>
        IsDry(parsed) ? null : LinkInjector.Open(parsed.GetValue(_interface)!, OptionsOf(parsed));

    /// <summary>How an interface is used.</summary>
    internal LinkInjectorOptions OptionsOf(ParseResult parsed) => new() { QdiscBypass = parsed.GetValue(_qdiscBypass) };
}
