namespace Interceptor.Capture.Intercept;

/// <summary>Something happened to a held packet.</summary>
/// <param name="Kind">What.</param>
/// <param name="Item">The packet as it is after it.</param>
/// <param name="Reason">Why; of those that are released or dropped.</param>
public readonly record struct HoldEvent(HoldEventKind Kind, HeldItem Item, HoldReason Reason);
