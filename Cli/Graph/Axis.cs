using System.Globalization;

namespace Interceptor.Cli.Graph;

/// <summary>One axis of a panel: values to pixels, and round values to write beside it.</summary>
/// <param name="Low">The value at its start.</param>
/// <param name="High">The value at its end; above <paramref name="Low"/>.</param>
/// <param name="Start">The pixel of <paramref name="Low"/>.</param>
/// <param name="End">The pixel of <paramref name="High"/>.</param>
internal readonly record struct Axis(double Low, double High, double Start, double End)
{
    private const double Ticks = 8;

    /// <summary>The pixel of a value; one outside is at the border.</summary>
    internal double At(double value) => Start + ((Math.Clamp(value, Low, High) - Low) / (High - Low) * (End - Start));

    /// <summary>Seconds, milliseconds or microseconds at steps of 1, 2 or 5.</summary>
    internal IEnumerable<(double Value, string Text)> TimeTicks()
    {
        (double unit, string name) = (High - Low) switch
        {
            >= 1e9 => (1e9, "s"),
            >= 1e6 => (1e6, "ms"),
            _ => (1e3, "µs"),
        };
        double rough = (High - Low) / unit / Ticks;
        double power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = unit * power * ((rough / power) switch
        {
            <= 1 => 1,
            <= 2 => 2,
            <= 5 => 5,
            _ => 10,
        });
        for (double n = Math.Ceiling(Low / step); n * step <= High; n++)
        {
            // Adding 0 turns the -0 that rounding up can give into 0.
            yield return (n * step, string.Create(CultureInfo.InvariantCulture, $"{Math.Round(n * step / unit, 6) + 0.0:0.######} {name}"));
        }
    }

    /// <summary>Bytes at powers of two.</summary>
    internal IEnumerable<(double Value, string Text)> ByteTicks()
    {
        double step = Math.Max(1, Math.Pow(2, Math.Ceiling(Math.Log2((High - Low) / Ticks))));
        for (double n = Math.Ceiling(Low / step); n * step <= High; n++)
        {
            yield return (n * step, GraphWords.Bytes(n * step));
        }
    }
}
