namespace Interceptor.Capture.Intercept;

/// <summary>The duty to decide about a packet that a <see cref="HoldQueue"/> holds. Done once, by the thread of its <see cref="HoldExit"/>.</summary>
internal interface IHeldDuty
{
    /// <summary>Lets it go on.</summary>
    /// <param name="item">As it is now.</param>
    /// <param name="heldFor">How long it was held, ns.</param>
    void Release(HeldItem item, long heldFor);

    /// <summary>Ends its way here.</summary>
    /// <param name="item">As it was.</param>
    /// <param name="reason">Why.</param>
    /// <param name="heldFor">How long it was held, ns.</param>
    void Drop(HeldItem item, HoldReason reason, long heldFor);
}
