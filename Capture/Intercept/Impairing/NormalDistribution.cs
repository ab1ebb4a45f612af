namespace Interceptor.Capture.Intercept;

/// <summary>The normal distribution with mean 0 and standard deviation 1.</summary>
internal static class NormalDistribution
{
    // Hastings' approximation of the distribution function (Abramowitz and Stegun 26.2.17): within 7.5e-8.
    internal static double Cumulative(double z)
    {
        double t = 1 / (1 + (0.2316419 * Math.Abs(z)));
        double tail = Math.Exp(-z * z / 2) / Math.Sqrt(2 * Math.PI)
            * t * (0.319381530 + (t * (-0.356563782 + (t * (1.781477937 + (t * (-1.821255978 + (t * 1.330274429))))))));
        return z >= 0 ? 1 - tail : tail;
    }

    // Box and Muller (1958): from two even numbers in (0, 1].
    internal static double FromUniform(double first, double second) => Math.Sqrt(-2 * Math.Log(first)) * Math.Cos(2 * Math.PI * second);
}
