using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Capture.Live;
using Interceptor.Packets;

namespace Interceptor.Cli.Demo;

/// <summary>The recording of what the server's machine sends and gets. Any thread; one of its own writes.</summary>
internal sealed class HostRecorder : IDisposable
{
    // A second of a fast transfer: the disk may be slow.
    private const int BufferBytes = 64 << 20;

    private readonly LiveCapture _capture;
    private readonly CaptureFileWriter _writer;
    private readonly Thread _thread;
    private Exception? _failure;

    private HostRecorder(LiveCapture capture, string path)
    {
        _capture = capture;
        _writer = CaptureFile.Create(path);
        foreach (CaptureInterface description in capture.Descriptions)
        {
            _writer.AddInterface(description);
        }

        _thread = new Thread(Record) { IsBackground = true, Name = "host recorder" };
        _thread.Start();
    }

    internal static HostRecorder Start(DemoNetwork network, string path)
    {
        var options = new LiveCaptureOptions { Interface = DemoNetwork.ServerInterface, Filter = "tcp", BufferBytes = BufferBytes, Promiscuous = false, GatherTime = TimeSpan.FromMilliseconds(10) };
        return new HostRecorder(network.Server.Run(() => LiveCapture.Open(options)), path);
    }

    /// <summary>Everything that was captured is in the file.</summary>
    /// <exception cref="IOException">The file could not be written.</exception>
    internal void Stop()
    {
        _capture.Stop();
        _thread.Join();
        _writer.Dispose();
        if (_failure is { } failure)
        {
            throw new IOException($"the capture of the server's packets failed: {failure.Message}", failure);
        }
    }

    public void Dispose()
    {
        _capture.Dispose();
        _thread.Join();
        _writer.Dispose();
    }

    private void Record()
    {
        using var source = new LivePacketSource(_capture);
        try
        {
            while (source.TryRead(out CapturedPacket packet))
            {
                _writer.Write(in packet);
            }

            _writer.Flush();
        }
        catch (IOException exception)
        {
            _failure = exception;
        }
    }
}
