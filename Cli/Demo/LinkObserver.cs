using System.Diagnostics;
using Interceptor.Capture.Live;
using Interceptor.Packets;

namespace Interceptor.Cli.Demo;

/// <summary>
/// Watches the client's end of the link for segments that end a connection: what the client was told, whatever the kernels' counters say.
/// Any thread; one of its own counts.
/// </summary>
internal sealed class LinkObserver : IDisposable
{
    private const string EndingSegments = "tcp[tcpflags] & (tcp-rst|tcp-fin) != 0";
    private const int ClosingFins = 2;
    private static readonly TimeSpan CaptureDelay = TimeSpan.FromSeconds(5);

    private readonly LiveCapture _capture;
    private readonly Thread _thread;
    private readonly object _gate = new();
    private long _resets;
    private long _fins;

    private LinkObserver(LiveCapture capture)
    {
        _capture = capture;
        _thread = new Thread(Count) { IsBackground = true, Name = "link observer" };
        _thread.Start();
    }

    /// <summary>RST segments seen so far, either way.</summary>
    internal long Resets => Read(ref _resets);

    /// <summary>FIN segments seen so far, either way.</summary>
    internal long Fins => Read(ref _fins);

    /// <exception cref="DllNotFoundException">libpcap is not installed.</exception>
    internal static LinkObserver Start(DemoNetwork network)
    {
        var options = new LiveCaptureOptions { Interface = DemoNetwork.ClientInterface, Filter = EndingSegments, Immediate = true, Promiscuous = false };
        return new LinkObserver(network.Client.Run(() => LiveCapture.Open(options)));
    }

    /// <summary>
    /// Waits until the FINs with which both ends closed the connection have been seen: what was sent before them has been seen too, and the
    /// observer was not blind.
    /// </summary>
    /// <exception cref="DemoException">They were not seen.</exception>
    internal void AwaitClosing()
    {
        long start = Stopwatch.GetTimestamp();
        lock (_gate)
        {
            while (_fins < ClosingFins)
            {
                TimeSpan left = CaptureDelay - Stopwatch.GetElapsedTime(start);
                if (left <= TimeSpan.Zero || !Monitor.Wait(_gate, left))
                {
                    throw new DemoException(
                        $"the observer on the link saw {_fins} of the {ClosingFins} FINs of the end of the connection: it can't testify that there were no resets.");
                }
            }
        }
    }

    public void Dispose()
    {
        _capture.Dispose();
        _thread.Join();
    }

    private long Read(ref long counter)
    {
        lock (_gate)
        {
            return counter;
        }
    }

    private void Count()
    {
        using var source = new LivePacketSource(_capture);
        try
        {
            while (source.TryRead(out CapturedPacket packet))
            {
                Count(PacketView.Parse(packet.Data, packet.Metadata.LinkType));
            }
        }
        catch (IOException)
        {
            // The link went with its namespace: whoever still waits for segments says that they did not come.
        }
    }

    private void Count(in PacketView packet)
    {
        if (packet.TryGetTcp(out TcpView tcp))
        {
            lock (_gate)
            {
                _resets += tcp.Flags.HasFlag(TcpFlags.Rst) ? 1 : 0;
                _fins += tcp.Flags.HasFlag(TcpFlags.Fin) ? 1 : 0;
                Monitor.PulseAll(_gate);
            }
        }
    }
}
