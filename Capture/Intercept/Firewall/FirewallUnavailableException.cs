namespace Interceptor.Capture.Intercept;

/// <summary>None of the firewall's tools could install the rules: the message has each with its reason. Nothing is left in place.</summary>
public sealed class FirewallUnavailableException : IOException
{
    /// <summary>Names both.</summary>
    /// <param name="iptables">Why iptables could not.</param>
    /// <param name="nft">Why nft could not.</param>
    public FirewallUnavailableException(Exception iptables, Exception nft)
        : base(
            $"No tool of the firewall can install the rules here. With iptables: {iptables.Message} With nft: {nft.Message} "
            + "The kernel needs the NFQUEUE target (CONFIG_NETFILTER_XT_TARGET_NFQUEUE) or nft's queue statement (CONFIG_NFT_QUEUE); interceptor doctor tries each.",
            iptables) => NftFailure = nft;

    /// <summary>Why nft could not; why iptables could not is the inner exception.</summary>
    public Exception NftFailure { get; }
}
