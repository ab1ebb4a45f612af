namespace Interceptor.Capture.Intercept;

/// <summary>Which of the firewall's tools makes the rules.</summary>
public enum FirewallBackend
{
    /// <summary>What the system's alternatives make <c>iptables</c>.</summary>
    System,

    /// <summary>iptables-legacy.</summary>
    Legacy,

    /// <summary>iptables-nft.</summary>
    Nft,

    /// <summary>nft with its own <c>queue</c> statement, in a table of our own. It can't run a filter's program.</summary>
    Nftables,

    /// <summary>The first that works: the system's iptables, else nft.</summary>
    Automatic,
}
