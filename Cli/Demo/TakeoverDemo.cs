using Interceptor.Checkpoint;
using Interceptor.Cli.Commands;
using Interceptor.Replay;

namespace Interceptor.Cli.Demo;

/// <summary>The second act: another machine takes over the server's address, and the connection goes on there from its image.</summary>
internal sealed class TakeoverDemo(RestoreDemoOptions options, Action<string> say) : DemoAct(options, say)
{
    protected override int Number => 2;

    protected override bool NeedsSpare => true;

    protected override string Waiting => "waits in another namespace.";

    protected override RestoreDemoReport Move(RestoreDemoReport report, CancellationToken stop)
    {
        AwaitMoment(stop);
        SessionCheckpointResult taken = SessionCheckpoint.Take(new SessionCheckpointOptions
        {
            Pid = Peers.Server.Pid,
            Local = EndPointOf(Peers.ServerEnd),
            Peer = EndPointOf(Peers.ClientEnd),
            Directory = Peers.ImageDirectory,
            KillOwner = true,
            GuardCommand = GuardSessionCommand.OwnCommand(),
        });
        HashSet<string> frozen = [.. SessionCheckpoint.Steps.Where(static step => step.IsFrozen).Select(static step => step.Name)];
        bool isFrozen = false;
        double start = Add(taken.Steps.Select(step => new DemoStep(step.Name, step.Elapsed.TotalMilliseconds, isFrozen |= frozen.Contains(step.Name))), taken.Image);
        Timed("unplug the machine", isFrozen: true, Network.Unplug);
        double ended = GoOn();
        return Moved(report, taken.Image, start, ended) with
        {
            Incoming = Count(taken.Image, isInbound: true),
            Outgoing = Count(taken.Image, isInbound: false),
        };
    }

    private static DemoHold Count(SessionImage image, bool isInbound)
    {
        HeldSessionPacket[] held = [.. image.HeldPackets.Where(packet => packet.IsInbound == isInbound)];
        int given = held.Count(packet => isInbound || HeldPacketPolicy.MayGoOut(packet.IpPacket.Span, packet.IpPacket.Length, image.Snapshot));
        return new DemoHold(held.Length, given, held.Length - given, 0);
    }
}
