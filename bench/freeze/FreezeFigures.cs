namespace Interceptor.FreezeBench;

/// <summary>The times of many moves, ns: of the whole freeze and of each step.</summary>
internal sealed class FreezeFigures
{
    private readonly List<long> _freezes = [];
    private readonly List<string> _names = [];
    private readonly List<List<long>> _steps = [];

    internal void Add(long freeze, IEnumerable<(string Name, long Nanoseconds)> steps)
    {
        _freezes.Add(freeze);
        int at = 0;
        foreach ((string name, long time) in steps)
        {
            if (at == _steps.Count)
            {
                _names.Add(name);
                _steps.Add([]);
            }

            _steps[at++].Add(time);
        }
    }

    /// <summary>A line for each step and one for the whole: median and 99th percentile of each, and the ratios.</summary>
    internal static void Print(TextWriter output, FreezeFigures ours, FreezeFigures theirs)
    {
        output.WriteLine($"{"step",-18} {"ours p50",9} {"p99",9} {"C p50",9} {"p99",9} {"p50 ratio",10} {"p99 ratio",10}");
        for (int i = 0; i < ours._steps.Count; i++)
        {
            Line(output, ours._names[i], ours._steps[i], theirs._steps[i]);
        }

        Line(output, "the whole freeze", ours._freezes, theirs._freezes);
        output.WriteLine();
    }

    private static void Line(TextWriter output, string name, List<long> ours, List<long> theirs)
    {
        double[] figures = [At(ours, 0.5), At(ours, 0.99), At(theirs, 0.5), At(theirs, 0.99)];
        output.WriteLine(
            $"{name,-18} {figures[0],9:F1} {figures[1],9:F1} {figures[2],9:F1} {figures[3],9:F1} {figures[0] / figures[2],10:F2} {figures[1] / figures[3],10:F2}");
    }

    private static double At(List<long> times, double share)
    {
        long[] sorted = [.. times.Order()];
        return sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))] / 1000.0;
    }
}
