using System.Diagnostics;
using System.Globalization;
using Interceptor.Testing;

namespace Interceptor.Tests.Fuzz;

/// <summary>
/// A number of executions over all processors, each with a bound on its memory and time. The first input that breaks a promise ends the run
/// and is kept under artifacts/fuzz.
/// </summary>
internal sealed class FuzzRun(int seed, long executions)
{
    /// <summary>What an execution may allocate: read-ahead, an unpacked file, and the tracker's queues and fragments; none of it depends on lengths that are only claimed.</summary>
    private const long MostBytes = 64L * 1024 * 1024;

    /// <summary>Wall-clock time, on a machine that has other work: an execution takes microseconds.</summary>
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(30);

    private readonly FuzzMutator _mutator = new(FuzzSeeds.Load(), seed);
    private readonly Lock _lock = new();
    private long _next;
    private string? _finding;

    private long Limit => executions;

    /// <summary>Executions begun.</summary>
    internal long Executions => Math.Min(Interlocked.Read(ref _next), executions);

    /// <summary>Packets that the inputs held.</summary>
    internal long Packets { get; private set; }

    /// <summary>Inputs without damage.</summary>
    internal long Sound { get; private set; }

    /// <summary>The most that one execution allocated, in bytes.</summary>
    internal long LargestAllocation { get; private set; }

    /// <summary>Runs; gives what was found, with the path of the input, or null.</summary>
    internal string? Run(Action<string> report)
    {
        Worker[] workers = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Worker(this))];
        long told = Stopwatch.GetTimestamp();
        while (workers.Any(worker => !worker.Join(TimeSpan.FromMilliseconds(200))) && _finding is null)
        {
            foreach (Worker worker in workers)
            {
                if (worker.Running is { } running && Stopwatch.GetElapsedTime(running.Since) > MostTime)
                {
                    Found(running.Number, $"takes more than {MostTime.TotalSeconds} s");
                }
            }

            if (Stopwatch.GetElapsedTime(told) > TimeSpan.FromSeconds(10))
            {
                told = Stopwatch.GetTimestamp();
                report(string.Create(CultureInfo.InvariantCulture, $"{Executions} of {executions} executions"));
            }
        }

        return _finding;
    }

    private void Found(long number, string what)
    {
        string folder = Path.Combine(ProjectPaths.Root, "artifacts", "fuzz");
        string path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"seed-{seed}-execution-{number}.bin"));
        lock (_lock)
        {
            if (_finding is not null)
            {
                return;
            }

            Directory.CreateDirectory(folder);
            File.WriteAllBytes(path, _mutator.Make(number));
            _finding = string.Create(CultureInfo.InvariantCulture, $"Execution {number} of seed {seed} (kept as {path}): {what}");
        }
    }

    private void Add(FuzzTarget target, long largestAllocation)
    {
        lock (_lock)
        {
            Packets += target.Packets;
            Sound += target.Sound;
            LargestAllocation = Math.Max(LargestAllocation, largestAllocation);
        }
    }

    /// <summary>The execution that a worker is in, and when it began (a <see cref="Stopwatch"/> timestamp).</summary>
    private sealed record Execution(long Number, long Since);

    private sealed class Worker
    {
        private readonly FuzzRun _run;
        private readonly Thread _thread;

        internal Worker(FuzzRun run)
        {
            _run = run;
            // A thread that hangs in a finding must not keep the process.
            _thread = new Thread(Work) { IsBackground = true, Name = "fuzz" };
            _thread.Start();
        }

        internal Execution? Running { get; private set; }

        internal bool Join(TimeSpan time) => _thread.Join(time);

        private void Work()
        {
            var target = new FuzzTarget();
            long largest = 0;
            long number;
            while (_run._finding is null && (number = Interlocked.Increment(ref _run._next) - 1) < _run.Limit)
            {
                byte[] input = _run._mutator.Make(number);
                Running = new Execution(number, Stopwatch.GetTimestamp());
                long before = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    target.Execute(input);
                }
#pragma warning disable CA1031 // Any exception is the finding.
                catch (Exception exception)
#pragma warning restore CA1031
                {
                    _run.Found(number, exception.ToString());
                }

                long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                Running = null;
                largest = Math.Max(largest, allocated);
                if (allocated > MostBytes)
                {
                    _run.Found(number, $"allocates {allocated} bytes");
                }
            }

            _run.Add(target, largest);
        }
    }
}
