namespace Interceptor.Capture.Intercept;

/// <summary>One rule: where, which packets, what happens to them.</summary>
/// <param name="Hook">Where.</param>
/// <param name="Match">Which.</param>
/// <param name="Target">What.</param>
public sealed record FirewallRule(FirewallHook Hook, FirewallMatch Match, FirewallTarget Target);
