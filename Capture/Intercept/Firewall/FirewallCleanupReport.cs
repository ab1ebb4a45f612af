namespace Interceptor.Capture.Intercept;

/// <summary>What a cleanup found.</summary>
/// <param name="Removed">Chains removed, with their jumps.</param>
/// <param name="Kept">Chains left: their process lives, they are locks and were not asked for, or they are the empty rest of an nft table while a queue is open.</param>
/// <param name="Unreadable">Tools whose tables could not be read, with the reason.</param>
public sealed record FirewallCleanupReport(
    IReadOnlyList<FirewallChain> Removed, IReadOnlyList<FirewallChain> Kept, IReadOnlyList<string> Unreadable);
