using Interceptor.Capture.Files;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Replay;
using Interceptor.Tcp.Rebuild;

namespace Interceptor.Cli.Demo;

/// <summary>
/// The third act: the server's machine dies with everything on it, and all there is of the connection is a capture. Another machine goes on from that; how much of the upload the
/// server had stored says what of the received bytes it still has to get.
/// </summary>
internal sealed class CaptureDemo(RestoreDemoOptions options, Action<string> say) : DemoAct(options, say)
{
    private readonly DirectoryInfo _directory = DemoDirectory.Create();
    private HostRecorder? _recorder;

    protected override int Number => 3;

    protected override bool NeedsSpare => true;

    protected override string Waiting => "waits in another namespace.";

    private string CapturePath => Path.Combine(_directory.FullName, "server.pcapng");

    protected override void Prepare() => _recorder = HostRecorder.Start(Network, CapturePath);

    protected override RestoreDemoReport Move(RestoreDemoReport report, CancellationToken stop)
    {
        AwaitMoment(stop);
        double start = Now();
        Timed("unplug the machine", isFrozen: true, Network.Unplug);

        // What the dying server's kernel says into the unplugged cable is captured, too.
        long gone = Clock.RealtimeNanoseconds();
        Timed("kill the server", isFrozen: true, Peers.Server.Kill);
        Timed("end the capture", isFrozen: true, _recorder!.Stop);
        SessionImage image = null!;
        Timed("rebuild from packets", isFrozen: true, () => image = Rebuild(gone));
        Timed("write image", isFrozen: true, () => SessionFiles.Write(Peers.ImageDirectory, image));
        return Moved(report, image, start, GoOn());
    }

    protected override void DisposeOwn()
    {
        _recorder?.Dispose();
        _directory.Delete(recursive: true);
    }

    private SessionImage Rebuild(long at)
    {
        using CaptureFileReader capture = CaptureFile.OpenRead(CapturePath);
        var request = new RebuildRequest { Ends = (EndPointOf(Peers.ServerEnd), EndPointOf(Peers.ClientEnd)), ReadOffset = Peers.StoredBytes };
        return SessionFromCapture.Read(capture, new SessionFromCaptureOptions { Request = request, At = at }, out _);
    }
}
