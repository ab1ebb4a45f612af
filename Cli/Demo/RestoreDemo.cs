using Interceptor.Cli.Commands;
using Interceptor.Replay;

namespace Interceptor.Cli.Demo;

/// <summary>The first act: the same host, another process. The connection's packets are held in the kernel while it moves.</summary>
internal sealed class RestoreDemo(RestoreDemoOptions options, Action<string> say) : DemoAct(options, say)
{
    protected override int Number => 1;

    protected override bool NeedsSpare => false;

    protected override RestoreDemoReport Move(RestoreDemoReport report, CancellationToken stop)
    {
        var move = new SessionMove(new SessionMoveOptions
        {
            Namespace = Network.Server,
            OwnerPid = Peers.Server.Pid,
            Local = EndPointOf(Peers.ServerEnd),
            Peer = EndPointOf(Peers.ClientEnd),
            BeforeFreeze = () => AwaitMoment(stop),
            Deliver = Peers.SendConnection,
            ImageDirectory = Peers.ImageDirectory,
            GuardCommand = GuardSessionCommand.OwnCommand(),
        });
        SessionMoveResult result = move.Run();
        double start = Add(result.Steps.Select(static step => new DemoStep(step.Name, step.Elapsed.TotalMilliseconds, step.IsFrozen)), result.Image);
        return Moved(report, result.Image, start, start + result.Freeze.TotalMilliseconds) with { Incoming = HoldOf(result.Inbound), Outgoing = HoldOf(result.Outbound) };
    }

    private static DemoHold HoldOf(SessionMoveCount count) => new(count.Held, count.Reinjected, count.Dropped, count.Lost);
}
