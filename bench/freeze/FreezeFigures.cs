namespace Interceptor.FreezeBench;

/// <summary>The times of many moves, ns: of the whole freeze and of each step.</summary>
internal sealed class FreezeFigures
{
    private const string Whole = "the whole freeze";
    private readonly Dictionary<string, List<long>> _times = [];

    internal void Add(long freeze, IEnumerable<(string Name, long Nanoseconds)> steps)
    {
        foreach ((string name, long time) in steps.Append((Whole, freeze)))
        {
            if (!_times.TryGetValue(name, out List<long>? times))
            {
                _times.Add(name, times = []);
            }

            times.Add(time);
        }
    }

    /// <summary>A line for each step of ours and one for the whole: median and 99th percentile of each, and the ratios where the other has the step.</summary>
    internal static void Print(TextWriter output, FreezeFigures ours, FreezeFigures theirs)
    {
        output.WriteLine($"{"step",-18} {"ours p50",9} {"p99",9} {"C p50",9} {"p99",9} {"p50 ratio",10} {"p99 ratio",10}");
        foreach ((string name, List<long> times) in ours._times)
        {
            (double median, double high) = (At(times, 0.5), At(times, 0.99));
            output.WriteLine(theirs._times.TryGetValue(name, out List<long>? others)
                ? $"{name,-18} {median,9:F1} {high,9:F1} {At(others, 0.5),9:F1} {At(others, 0.99),9:F1} {median / At(others, 0.5),10:F2} {high / At(others, 0.99),10:F2}"
                : $"{name,-18} {median,9:F1} {high,9:F1}");
        }

        output.WriteLine();
    }

    private static double At(List<long> times, double share)
    {
        long[] sorted = [.. times.Order()];
        return sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))] / 1000.0;
    }
}
