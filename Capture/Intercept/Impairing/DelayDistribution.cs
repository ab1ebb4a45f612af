namespace Interceptor.Capture.Intercept;

/// <summary>How a delay spreads around its mean; the names are tc-netem's.</summary>
public enum DelayDistribution
{
    /// <summary>Evenly between the mean less the jitter and the mean plus the jitter.</summary>
    Uniform,

    /// <summary>A normal distribution whose standard deviation is the jitter.</summary>
    Normal,

    /// <summary>
    /// A Pareto distribution with shape 3, moved and scaled so that its mean is the delay and its standard deviation the jitter: most packets come a little early, a few
    /// very late.
    /// </summary>
    Pareto,
}
