using System.Diagnostics;
using Interceptor.Filters;
using Interceptor.Interop;

namespace Interceptor.FilterBench;

/// <summary>
/// One program on the same packets by three machines in turn (A B C A B C ...), because a shared machine's speed drifts. libpcap's is called for
/// each packet as a C program would, and pays the way from managed code and back, some nanoseconds.
/// </summary>
internal sealed class Comparison(BpfProgram program, List<byte[]> packets)
{
    private const int Rounds = 15;
    private static readonly TimeSpan RoundTime = TimeSpan.FromMilliseconds(15);

    private readonly PcapInstruction[] _native =
        [.. program.Instructions.Select(static from => new PcapInstruction { Code = from.Code, Jt = from.Jt, Jf = from.Jf, K = from.K })];

    private BpfFunction _function = static (_, _) => 0;

    internal string Run()
    {
        long start = Stopwatch.GetTimestamp();
        _function = BpfCompiler.Compile(program);
        double compile = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        Func<long>[] machines = [Interpret, Call, AskLibPcap];
        long[] matches = [.. machines.Select(static machine => machine())];
        if (matches.Distinct().Count() != 1)
        {
            throw new InvalidOperationException($"The machines disagree: {string.Join(", ", matches)} of {packets.Count} packets match.");
        }

        var times = new double[machines.Length][];
        for (int i = 0; i < times.Length; i++)
        {
            times[i] = new double[Rounds];
            _ = NanosecondsAPacket(machines[i]);
        }

        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < machines.Length; i++)
            {
                times[i][round] = NanosecondsAPacket(machines[i]);
            }
        }

        double[] medians = [.. times.Select(static of => of.Order().ElementAt(Rounds / 2))];
        return $"{program.Length,12} {compile,10:F0} {medians[0],12:F1} {medians[1],12:F1} {medians[2],12:F1} {medians[1] / medians[0],9:F2} {medians[2] / medians[0],9:F2}";
    }

    private double NanosecondsAPacket(Func<long> machine)
    {
        long start = Stopwatch.GetTimestamp();
        long passes = 0;
        TimeSpan elapsed;
        do
        {
            _ = machine();
            passes++;
            elapsed = Stopwatch.GetElapsedTime(start);
        }
        while (elapsed < RoundTime);
        return elapsed.TotalNanoseconds / (passes * packets.Count);
    }

    private long Interpret()
    {
        long matches = 0;
        foreach (byte[] packet in packets)
        {
            matches += BpfInterpreter.Run(program, packet, packet.Length) != 0 ? 1 : 0;
        }

        return matches;
    }

    private long Call()
    {
        long matches = 0;
        foreach (byte[] packet in packets)
        {
            matches += _function(packet, packet.Length) != 0 ? 1 : 0;
        }

        return matches;
    }

    private long AskLibPcap()
    {
        long matches = 0;
        foreach (byte[] packet in packets)
        {
            matches += LibPcapHandle.OfflineFilter(_native, packet, packet.Length) != 0 ? 1 : 0;
        }

        return matches;
    }
}
