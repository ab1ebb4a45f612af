namespace Interceptor.Capture.Intercept;

/// <summary>A place in the kernel's packet path; the numbers are those of linux/netfilter.h (NF_INET_...).</summary>
public enum FirewallHook : byte
{
    /// <summary>Before routing: everything that arrives. Packets held here have no socket yet.</summary>
    Prerouting = 0,

    /// <summary>For this machine, after routing. A packet held here may already be pinned to a socket (early demux).</summary>
    Input = 1,

    /// <summary>Routed through this machine.</summary>
    Forward = 2,

    /// <summary>Made by this machine.</summary>
    Output = 3,

    /// <summary>About to leave.</summary>
    Postrouting = 4,
}
