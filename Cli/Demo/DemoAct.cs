using System.Diagnostics;
using System.Net;
using Interceptor.Checkpoint;
using Interceptor.Cli.Demo.Peers;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Replay;

namespace Interceptor.Cli.Demo;

/// <summary>
/// One act of the demo: a client and a server exchange bytes both ways, in the middle of it the server's end goes on elsewhere, and at the end it is known whether any byte was
/// lost, doubled or changed, and whether the client noticed. Disposing ends every process, removes the namespaces and deletes the files. One thread.
/// </summary>
internal abstract class DemoAct(RestoreDemoOptions options, Action<string> say) : IDisposable
{
    private readonly List<DemoStep> _steps = [];
    private DemoNetwork? _network;
    private DemoPeers? _peers;
    private LinkObserver? _observer;
    private TcpCounters _beforeMove;

    /// <summary>Its number, from 1.</summary>
    protected abstract int Number { get; }

    /// <summary>The connection goes on at another machine.</summary>
    protected abstract bool NeedsSpare { get; }

    /// <summary>What the one does that waits to take the server's part.</summary>
    protected virtual string Waiting => "waits to take the server's part.";

    protected DemoNetwork Network => _network!;

    protected DemoPeers Peers => _peers!;

    /// <summary>Carries it through. What fails after the transfer began is in the report; what fails before is thrown.</summary>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    /// <exception cref="MissingFeatureException">A tool, a library or a permission is missing.</exception>
    internal RestoreDemoReport Run(CancellationToken stop)
    {
        var report = new RestoreDemoReport { Bytes = options.Bytes, Act = Number };
        _network = DemoNetwork.Create(NeedsSpare);
        _observer = LinkObserver.Start(_network, options.Recorder);
        Prepare();
        _peers = DemoPeers.Start(_network, options.Bytes, stop);
        say($"{_peers.ClientEnd} (client, process {_peers.Client.Pid}) and {_peers.ServerEnd} (server, process {_peers.Server.Pid})");
        say($"exchange {options.Bytes} bytes each way at the same time; process {_peers.NewServer.Pid} {Waiting}");
        try
        {
            _network.MakeRoomForRestore();
            options.BeforeMove?.Invoke(_peers);
            report = Move(report, stop);
            report = Finish(report, stop);
        }
        catch (Exception exception) when (CommandRunner.CodeOf(exception) == ExitCode.Failed && exception is DemoException or CheckpointException or IOException)
        {
            stop.ThrowIfCancellationRequested();
            bool isOver = report.Steps.Count == 0 && _peers.Client.HasSaid(PeerMessages.DoneWord);
            report = report with { Error = isOver ? "the transfer was over before it could be moved: choose a larger --bytes." : exception.Message };
        }

        // The namespaces are new, so their counters are the demo's own from the first packet on.
        TcpCounters end = ReadCounters();
        return report with
        {
            FinsSeenWhileFrozen = report.FrozenAt is { } at ? _observer.FinsBetween(at, at + (long)(report.FreezeMilliseconds * 1e6)) : 0,
            ResetsSeen = Math.Max(_observer.Resets, end.SentResets),
            RetransmittedSegments = (end - _beforeMove).RetransmittedSegments,
        };
    }

    public void Dispose()
    {
        DisposeOwn();
        _peers?.Dispose();
        _observer?.Dispose();
        _network?.Dispose();
    }

    /// <summary>The server's end goes on elsewhere. Calls <see cref="AwaitMoment"/> before it does something that the client could notice.</summary>
    protected abstract RestoreDemoReport Move(RestoreDemoReport report, CancellationToken stop);

    /// <summary>Before the connection begins.</summary>
    protected virtual void Prepare()
    {
    }

    protected virtual void DisposeOwn()
    {
    }

    /// <summary>The spare machine takes the server's address, restores the image and hands the connection to the new server. Returns when that has it, in ms as <see cref="Now"/>.</summary>
    protected double GoOn()
    {
        Timed("move the address", isFrozen: true, Network.MoveAddress);
        RestoredSession? session = null;
        try
        {
            Timed("restore", isFrozen: true, () => session = Network.Successor.Run(() => SessionRestore.Resume(Peers.ImageDirectory, new SessionRestoreOptions { Announce = true })));
            Timed("deliver", isFrozen: true, () => Peers.SendConnection(session!.Socket.Handle, session.Image));
            return Now();
        }
        finally
        {
            session?.Dispose();
        }
    }

    /// <summary>The wall clock, ms.</summary>
    protected static double Now() => InMilliseconds(new CaptureTimestamp(Clock.RealtimeNanoseconds()));

    protected static double InMilliseconds(CaptureTimestamp instant) => instant.Nanoseconds / 1e6;

    /// <summary>Waits until both directions are in full flow.</summary>
    protected void AwaitMoment(CancellationToken stop)
    {
        Peers.AwaitFullFlow(stop);
        _beforeMove = ReadCounters();
    }

    /// <summary>Does a step and notes how long it took.</summary>
    protected void Timed(string name, bool isFrozen, Action step)
    {
        long start = Stopwatch.GetTimestamp();
        step();
        _steps.Add(new DemoStep(name, Stopwatch.GetElapsedTime(start).TotalMilliseconds, isFrozen));
    }

    /// <summary>The report of an act whose connection stood still from one instant to another, in ms as <see cref="Now"/>.</summary>
    protected RestoreDemoReport Moved(RestoreDemoReport report, SessionImage image, double start, double end) => report with
    {
        Steps = _steps,
        FrozenAt = new CaptureTimestamp((long)(start * 1e6)),
        FreezeMilliseconds = end - start,
        ImageBytes = Peers.ImageLength(),
        Offsets = (image.ReadOffset, image.WrittenOffset(StreamOrigin.Accepted)),
        Queues = (image.ReceiveQueue.Length, image.SentPart.Length, image.UnsentPart.Length),
    };

    /// <summary>Takes over the steps of a library's table. Returns since when the connection stood still: the image's instant is that of the dump.</summary>
    protected double Add(IEnumerable<DemoStep> steps, SessionImage image)
    {
        _steps.AddRange(steps);
        return InMilliseconds(image.CutAt) - _steps.TakeWhile(static step => step.Name != "dump").Where(static step => step.IsFrozen).Sum(static step => step.Milliseconds);
    }

    protected static FlowEndpoint EndPointOf(IPEndPoint end) => new(IpAddress.FromBytes(end.Address.GetAddressBytes()), (ushort)end.Port);

    // Without a spare machine, the server's is the one where the connection goes on; with one, what the server's kernel sends reaches nobody.
    private TcpCounters ReadCounters() => TcpCounters.Read(Network.Client) + TcpCounters.Read(Network.Successor);

    private RestoreDemoReport Finish(RestoreDemoReport report, CancellationToken stop)
    {
        (TransferResult client, TransferResult server) = Peers.AwaitResults(Peers.NewServer, stop);
        _observer!.AwaitClosing();
        return report with
        {
            Upload = new DemoStream(client.SentBytes, client.SentSha256, server.ReceivedBytes, server.ReceivedSha256),
            Download = new DemoStream(server.SentBytes, server.SentSha256, client.ReceivedBytes, client.ReceivedSha256),
        };
    }
}
