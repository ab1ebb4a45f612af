namespace Interceptor.Capture.Intercept;

/// <summary>Which way held packets travel, seen from the endpoint that is moved.</summary>
public enum HoldDirection
{
    /// <summary>Towards it.</summary>
    In,

    /// <summary>From it.</summary>
    Out,
}
