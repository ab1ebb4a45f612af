namespace Interceptor.Capture.Intercept;

/// <summary>What shares a rate.</summary>
public enum RateScope
{
    /// <summary>All packets of a hook that leave (at input and prerouting: that came in) by the same interface: a link with two directions.</summary>
    Link,

    /// <summary>One direction of one connection, at one hook.</summary>
    Connection,
}
