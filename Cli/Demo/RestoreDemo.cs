using System.Net;
using Interceptor.Checkpoint;
using Interceptor.Cli.Commands;
using Interceptor.Cli.Demo.Peers;
using Interceptor.Packets;
using Interceptor.Replay;

namespace Interceptor.Cli.Demo;

/// <summary>
/// Moves a live TCP connection from one process to another in the middle of a transfer in both directions, and finds out whether any byte was
/// lost, doubled or changed, and whether the client noticed. Disposing ends every process, removes the namespaces and deletes the files.
/// One thread.
/// </summary>
internal sealed class RestoreDemo(RestoreDemoOptions options, Action<string> say) : IDisposable
{
    private DemoNetwork? _network;
    private DemoPeers? _peers;
    private LinkObserver? _observer;
    private TcpCounters _beforeMove;

    /// <summary>Carries it through. What fails after the transfer began is in the report; what fails before is thrown.</summary>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    /// <exception cref="MissingFeatureException">A tool, a library or a permission is missing.</exception>
    internal RestoreDemoReport Run(CancellationToken stop)
    {
        var report = new RestoreDemoReport { Bytes = options.Bytes };
        _network = DemoNetwork.Create();
        _observer = LinkObserver.Start(_network);
        _peers = DemoPeers.Start(_network, options.Bytes, stop);
        say($"{_peers.ClientEnd} (client, process {_peers.Client.Pid}) and {_peers.ServerEnd} (server, process {_peers.Server.Pid})");
        say($"exchange {options.Bytes} bytes each way at the same time; process {_peers.NewServer.Pid} waits to take the server's part.");
        try
        {
            report = Move(report, stop);
            report = Finish(report, stop);
        }
        catch (Exception exception) when (CommandRunner.CodeOf(exception) == ExitCode.Failed && exception is DemoException or CheckpointException or IOException)
        {
            stop.ThrowIfCancellationRequested();
            bool isOver = report.Steps.Count == 0 && _peers.Client.HasSaid(PeerMessages.DoneWord);
            report = report with { Error = isOver ? "the transfer was over before it could be moved: choose a larger --bytes." : exception.Message };
        }

        // Both namespaces are new, so their counters are the demo's own from the first packet on.
        TcpCounters end = ReadCounters();
        return report with
        {
            ResetsSeen = Math.Max(_observer.Resets, end.SentResets),
            RetransmittedSegments = (end - _beforeMove).RetransmittedSegments,
        };
    }

    public void Dispose()
    {
        _peers?.Dispose();
        _observer?.Dispose();
        _network?.Dispose();
    }

    private TcpCounters ReadCounters() => TcpCounters.Read(_network!.Client) + TcpCounters.Read(_network.Server);

    private RestoreDemoReport Move(RestoreDemoReport report, CancellationToken stop)
    {
        DemoPeers peers = _peers!;
        long finsBefore = 0;
        var move = new SessionMove(new SessionMoveOptions
        {
            Namespace = _network!.Server,
            OwnerPid = peers.Server.Pid,
            Local = EndPointOf(peers.ServerEnd),
            Peer = EndPointOf(peers.ClientEnd),
            BeforeFreeze = () =>
            {
                peers.AwaitFullFlow(stop);
                _beforeMove = ReadCounters();
                finsBefore = _observer!.Fins;
            },
            Deliver = peers.SendConnection,
            ImageDirectory = peers.ImageDirectory,
            GuardCommand = GuardSessionCommand.OwnCommand(),
        });
        _network.MakeRoomForRestore();
        options.BeforeMove?.Invoke(peers);
        SessionMoveResult result = move.Run();
        SessionImage image = result.Image;
        return report with
        {
            Steps = [.. result.Steps.Select(step => new DemoStep(step.Name, step.Elapsed.TotalMilliseconds, step.IsFrozen))],
            FreezeMilliseconds = result.Freeze.TotalMilliseconds,
            Incoming = HoldOf(result.Inbound),
            Outgoing = HoldOf(result.Outbound),
            FinsSeenWhileFrozen = _observer!.Fins - finsBefore,
            ImageBytes = peers.ImageLength(),
            Offsets = (image.ReadOffset, image.WrittenOffset(StreamOrigin.Accepted)),
            Queues = (image.ReceiveQueue.Length, image.SentPart.Length, image.UnsentPart.Length),
        };
    }

    private RestoreDemoReport Finish(RestoreDemoReport report, CancellationToken stop)
    {
        (TransferResult client, TransferResult server) = _peers!.AwaitResults(_peers.NewServer, stop);
        _observer!.AwaitClosing();
        return report with
        {
            Upload = new DemoStream(client.SentBytes, client.SentSha256, server.ReceivedBytes, server.ReceivedSha256),
            Download = new DemoStream(server.SentBytes, server.SentSha256, client.ReceivedBytes, client.ReceivedSha256),
        };
    }

    private static DemoHold HoldOf(SessionMoveCount count) => new(count.Held, count.Reinjected, count.Dropped, count.Lost);

    private static FlowEndpoint EndPointOf(IPEndPoint end) => new(IpAddress.FromBytes(end.Address.GetAddressBytes()), (ushort)end.Port);
}
