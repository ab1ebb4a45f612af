using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Interceptor.Cli;
using Interceptor.Cli.Demo.Peers;
using Interceptor.Interop;
using Interceptor.LinuxTests.Checkpoint;
using Interceptor.Packets;
using Interceptor.Replay;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Replay;

/// <summary>These tests' program again, as a process that moves a connection and is killed within: what it moves stands in its environment.</summary>
internal static class MoveHost
{
    private const string Variable = "INTERCEPTOR_TEST_MOVE";

    internal static IReadOnlyList<string> GuardCommand { get; } = [CliProcess.StartInfo().FileName, CliProcess.AssemblyPath, "guard-session"];

    internal static ProcessStartInfo StartInfo(NetworkNamespace ns, StreamServer server, FlowEndpoint peer, string image, string channel, string where)
    {
        ProcessStartInfo info = CliProcess.StartInfo();
        info.ArgumentList[0] = typeof(MoveHost).Assembly.Location;
        info.Environment[Variable] = string.Create(CultureInfo.InvariantCulture, $"{ns.Path}|{server.Pid}|{server.Endpoint}|{peer}|{image}|{channel}|{where}");
        return info;
    }

    [ModuleInitializer]
    internal static void RunIfAsked()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { } words)
        {
            return;
        }

        string[] word = words.Split('|');
        _ = FlowEndpoint.TryParse(word[2], out FlowEndpoint local);
        _ = FlowEndpoint.TryParse(word[3], out FlowEndpoint peer);
        using NetworkNamespace ns = NetworkNamespace.Open(word[0]);
        using FileDescriptor channel = Handover.Connect(word[5]);
        new SessionMove(new SessionMoveOptions
        {
            Namespace = ns,
            OwnerPid = int.Parse(word[1], CultureInfo.InvariantCulture),
            Local = local,
            Peer = peer,
            ImageDirectory = word[4],
            Deliver = (connection, image) => Handover.Send(channel, connection, image.ReadOffset, image.WrittenOffset(Interceptor.Checkpoint.StreamOrigin.Accepted)),
            GuardCommand = GuardCommand,
            StepObserver = FaultSwitch.At(word[6]),
        }).Run();
        Environment.Exit(0);
    }
}
