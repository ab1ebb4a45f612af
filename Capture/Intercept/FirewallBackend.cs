namespace Interceptor.Capture.Intercept;

/// <summary>Which of Debian's two iptables is used.</summary>
public enum FirewallBackend
{
    /// <summary>What the system's alternatives make <c>iptables</c>.</summary>
    System,

    /// <summary>iptables-legacy.</summary>
    Legacy,

    /// <summary>iptables-nft.</summary>
    Nft,
}
