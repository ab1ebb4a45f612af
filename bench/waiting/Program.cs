using System.Diagnostics;
using System.Globalization;
using Interceptor.Capture.Intercept;

// What a packet costs that waits, through the library. Two uses, for the script held beside:
//   wheel COUNT                        items of a timer wheel, due at random within 10 s: memory, and time to add and take one
//   queue NUMBER COUNT oldest|newest   packets of a queue, kept, then accepted in this order: memory, and time of a verdict
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
switch (args)
{
    case ["wheel", string count]:
        Wheel(int.Parse(count));
        return 0;
    case ["queue", string number, string count, "oldest" or "newest"]:
        Queue(ushort.Parse(number), int.Parse(count), args[3] == "newest");
        return 0;
    default:
        Console.Error.WriteLine("usage: waiting wheel COUNT | waiting queue NUMBER COUNT oldest|newest");
        return 2;
}

static void Wheel(int count)
{
    const long Span = 10_000_000_000;
    for (int round = 0; round < 3; round++)    // the last is compiled with all optimisations
    {
        var random = new Random(1);
        long[] dues = [.. Enumerable.Range(0, count).Select(_ => 1_000_000_000 + random.NextInt64(Span))];
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var wheel = new TimerWheel<object?>();
        long start = Stopwatch.GetTimestamp();
        foreach (long due in dues)
        {
            wheel.Add(null, due);
        }

        double added = Stopwatch.GetElapsedTime(start).TotalNanoseconds / count;
        double bytes = (double)(GC.GetTotalMemory(forceFullCollection: true) - before) / count;
        GC.KeepAlive(dues);
        int threads = Process.GetCurrentProcess().Threads.Count;
        start = Stopwatch.GetTimestamp();
        int taken = 0;
        for (long now = 0; taken < count; now += 1_000_000)
        {
            while (wheel.TryTake(now, out _))
            {
                taken++;
            }
        }

        double took = Stopwatch.GetElapsedTime(start).TotalNanoseconds / count;
        Console.WriteLine($"{{\"bytes\":{bytes:F1},\"add_ns\":{added:F0},\"take_ns\":{took:F0},\"threads\":{threads}}}");
    }
}

static void Queue(ushort number, int count, bool newestFirst)
{
    using InterceptionQueue queue = InterceptionQueue.Open(new InterceptionQueueOptions { Number = number });
    var kept = new List<InterceptedPacket>(count);
    Console.WriteLine("ready");
    TimeSpan processor = Environment.CpuUsage.TotalTime;
    long memory = Resident();
    while (kept.Count < count)
    {
        queue.Receive(packet => kept.Add(packet.Keep()));
    }

    double keeping = (Environment.CpuUsage.TotalTime - processor).TotalNanoseconds / count;
    double bytes = (double)(Resident() - memory) / count;
    if (newestFirst)
    {
        kept.Reverse();
    }

    processor = Environment.CpuUsage.TotalTime;
    long start = Stopwatch.GetTimestamp();
    foreach (InterceptedPacket packet in kept)
    {
        packet.Accept();
    }

    queue.FlushVerdicts();
    double wall = Stopwatch.GetElapsedTime(start).TotalNanoseconds / count;
    double verdict = (Environment.CpuUsage.TotalTime - processor).TotalNanoseconds / count;
    InterceptStatistics statistics = queue.ReadStatistics();
    Console.WriteLine($"{{\"count\":{count},\"keep_ns\":{keeping:F0},\"verdict_ns\":{verdict:F0},\"verdict_wall_ns\":{wall:F0},\"bytes\":{bytes:F0},\"accepted\":{statistics.Accepted},\"lost\":{statistics.LostInKernel + statistics.KernelQueueDropped}}}");
}

static long Resident() => Environment.WorkingSet;
