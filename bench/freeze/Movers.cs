using System.Diagnostics;
using Interceptor.Interop;
using Interceptor.Replay;

namespace Interceptor.FreezeBench;

/// <summary>Moves with <see cref="SessionMove"/>, to a descriptor of this process.</summary>
internal static class OwnMover
{
    private const int Port = 9000;

    internal static void Move(FreezeProgram program, NetworkNamespace ns, bool isFull, FreezeFigures figures)
    {
        using var connection = new OwnedConnection(program, ns, Port, isFull);
        (FileDescriptor sender, FileDescriptor receiver) = NativeSocket.CreatePair(Libc.SOCK_STREAM);
        using (sender)
        using (receiver)
        {
            FileDescriptor? delivered = null;
            SessionMoveResult result = new SessionMove(new SessionMoveOptions
            {
                Namespace = ns,
                OwnerPid = connection.Pid,
                Local = connection.Local,
                Peer = connection.Peer,
                Deliver = (handle, _) =>
                {
                    DescriptorPassing.Send(sender, handle);
                    delivered = DescriptorPassing.Receive(receiver);
                },
            }).Run();
            using (delivered)
            {
                _ = NativeSocket.TrySend(delivered!, "alive"u8, Libc.MSG_DONTWAIT);
                connection.RequireAlive();
            }

            figures.Add(
                (long)result.Freeze.TotalNanoseconds,
                result.Steps.Where(step => step.IsFrozen).Select(step => (step.Name, (long)step.Elapsed.TotalNanoseconds)));
        }
    }
}

/// <summary>Moves with freeze.c, into its process.</summary>
internal sealed class CMover : IDisposable
{
    private const int Port = 9001;
    private const string InboundQueue = "71";
    private const string OutboundQueue = "72";
    private static readonly string[] Steps =
    [
        "hold inbound", "hold outbound", "stop owner", "pause socket", "dump", "close original", "end owner", "restore", "release outbound", "resume", "deliver", "release inbound",
    ];

    private readonly Process _process;

    private CMover(Process process) => _process = process;

    internal static CMover Start(FreezeProgram program, NetworkNamespace ns)
    {
        ns.Run(() =>
        {
            Run("ip", "link", "set", "lo", "up");
            Run("iptables", "-t", "mangle", "-A", "PREROUTING", "-p", "tcp", "--dport", $"{Port}", "-j", "NFQUEUE", "--queue-num", InboundQueue);
            Run("iptables", "-t", "mangle", "-A", "OUTPUT", "-p", "tcp", "--sport", $"{Port}", "-j", "NFQUEUE", "--queue-num", OutboundQueue);
        });
        Process process = program.Start(ns, "move", InboundQueue, OutboundQueue);
        _ = process.StandardOutput.ReadLine();
        return new CMover(process);
    }

    internal void Move(FreezeProgram program, NetworkNamespace ns, bool isFull, FreezeFigures figures)
    {
        using var connection = new OwnedConnection(program, ns, Port, isFull);
        _process.StandardInput.WriteLine($"{connection.Pid} {connection.Descriptor}");
        _process.StandardInput.Flush();
        long[] times = [.. _process.StandardOutput.ReadLine()!.Split(' ').Select(long.Parse)];
        connection.RequireAlive();
        figures.Add(times[0], Steps.Zip(times.Skip(1)));
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static void Run(string program, params string[] words)
    {
        using Process process = Process.Start(program, words);
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', words)} failed.");
        }
    }
}
