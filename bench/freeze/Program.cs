using System.Globalization;
using Interceptor.FreezeBench;
using Interceptor.Interop;

// How long a connection stands still while it is moved, by step, beside a C program of the same steps:
//   dotnet run -c Release --project bench/freeze [RUNS]      (200; needs root, gcc and iptables)
// Each run has an owner of its own. Ours and the C program take turns; first idle connections, then some with 64 KiB unread and 64 KiB not acknowledged.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args.Length > 1 || (args.Length == 1 && (!int.TryParse(args[0], out int asked) || asked < 1)))
{
    Console.Error.WriteLine("usage: dotnet run -c Release --project bench/freeze [RUNS]");
    return 2;
}

int runs = args.Length == 1 ? int.Parse(args[0]) : 200;
using var program = FreezeProgram.Build();
using NetworkNamespace ns = NetworkNamespace.Create("freeze bench");
using var peer = CMover.Start(program, ns);
foreach (bool isFull in (ReadOnlySpan<bool>)[false, true])
{
    var ours = new FreezeFigures();
    var theirs = new FreezeFigures();
    for (int i = 0; i < runs; i++)
    {
        OwnMover.Move(program, ns, isFull, ours);
        peer.Move(program, ns, isFull, theirs);
    }

    Console.WriteLine($"{(isFull ? "64 KiB unread and 64 KiB not acknowledged" : "idle")}, {runs} runs, us:  [load {File.ReadAllText("/proc/loadavg").Split(' ')[0]}]");
    FreezeFigures.Print(Console.Out, ours, theirs);
}

return 0;
