namespace Interceptor.Capture.Intercept;

/// <summary>
/// What happens when more is held than a <see cref="HoldLimits">limit</see> allows. There is no choice that lets the newest pass: it would overtake what is held before it.
/// </summary>
public enum HoldOverflow
{
    /// <summary>The oldest go on, as many as are too many: traffic flows again, late.</summary>
    ReleaseOldest,

    /// <summary>The oldest are dropped: what is held is always the newest.</summary>
    DropOldest,

    /// <summary>What comes is dropped, as a full queue of a router does it. An age knows no newest: there it is refused.</summary>
    DropNewest,
}
