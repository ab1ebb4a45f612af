using Interceptor.Interop;

namespace Interceptor.Capture.Intercept;

/// <summary>How rules are installed.</summary>
public sealed record FirewallOptions
{
    /// <summary>Which iptables. Default: the system's.</summary>
    public FirewallBackend Backend { get; init; } = FirewallBackend.System;

    /// <summary>
    /// The network namespace: its thread starts the iptables children, which so live in it. Null: they are started by the calling thread, and so live in that
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
