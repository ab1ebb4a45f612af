using Interceptor.Interop;

namespace Interceptor.Capture.Intercept;

/// <summary>How rules are installed.</summary>
public sealed record FirewallOptions
{
    /// <summary>Which tool. Default: the first that works.</summary>
    public FirewallBackend Backend { get; init; } = FirewallBackend.Automatic;

    /// <summary>
    /// True where more packets than the rules' programs match may be taken, because the caller looks again: then rules can be installed where the kernel can't run the
    /// programs, and <see cref="FirewallRules.TakesMore"/> says so.
    /// </summary>
    public bool MayTakeMore { get; init; }

    /// <summary>
    /// The network namespace: its thread starts the tools, which so live in it. Null: they are started by the calling thread, and so live in that
    /// thread's namespace. It must outlive the rules.
    /// </summary>
    public NetworkNamespace? Namespace { get; init; }

    /// <summary>
    /// Makes the rules a lock that outlives this process on purpose, under this name (letters, digits, <c>-</c> and <c>_</c>, up to 64): disposing leaves
    /// it, and so does <see cref="FirewallCleanup"/> unless it is told to take all; <see cref="FirewallCleanup.RemoveLock"/> or
    /// <see cref="FirewallRules.Remove"/> takes it away. Null: the rules belong to this process.
    /// </summary>
    public string? LockId { get; init; }
}
