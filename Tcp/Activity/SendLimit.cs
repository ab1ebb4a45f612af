namespace Interceptor.Tcp.Activity;

/// <summary>What keeps an end from sending more at an instant, as far as its packets tell.</summary>
public enum SendLimit
{
    /// <summary>The packets do not tell: the handshake was not seen, or the capture stands far from the sender.</summary>
    Unknown,

    /// <summary>Its application: nothing is on its way, or what is on its way ended what there was to send.</summary>
    Application,

    /// <summary>Its congestion control: there is more to send, the peer's window has room for it, and still it waits; or it repairs a loss.</summary>
    Network,

    /// <summary>The peer's window: what is on its way leaves no room for another segment.</summary>
    Receiver,

    /// <summary>The peer offers no window at all.</summary>
    Stalled,
}
