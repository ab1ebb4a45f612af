namespace Interceptor.Capture.Intercept;

/// <summary>The names of the hooks, as netfilter and the command line have them.</summary>
public static class FirewallHooks
{
    private static readonly string[] Names = ["prerouting", "input", "forward", "output", "postrouting"];

    /// <summary>The name, lower case.</summary>
    public static string NameOf(FirewallHook hook) => (uint)hook < (uint)Names.Length ? Names[(int)hook] : "unknown";

    /// <summary>The hook of a name; false for none.</summary>
    public static bool TryParse(string? name, out FirewallHook hook)
    {
        int index = Array.IndexOf(Names, name?.ToLowerInvariant());
        hook = index < 0 ? default : (FirewallHook)index;
        return index >= 0;
    }
}
