using System.Diagnostics;
using Interceptor.Capture.Live;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Cli.Demo;

/// <summary>
/// Watches the client's end of the link for segments that end a connection: what the client was told, whatever the kernels' counters say.
/// Any thread; one of its own counts.
/// </summary>
internal sealed class LinkObserver : IDisposable
{
    private const string EndingSegments = "tcp[tcpflags] & (tcp-rst|tcp-fin) != 0";
    private const int HeaderBytes = 128;
    private const int ClosingFins = 2;
    private static readonly TimeSpan CaptureDelay = TimeSpan.FromSeconds(5);

    private readonly LiveCapture _capture;
    private readonly Thread _thread;
    private readonly object _gate = new();
    private readonly TcpTracker? _tracker;
    private long _resets;
    private readonly List<CaptureTimestamp> _fins = [];

    private LinkObserver(LiveCapture capture, ITcpSegmentObserver? recorder)
    {
        _capture = capture;
        _tracker = recorder is null ? null : new TcpTracker(new TcpTrackerOptions { HashStreams = false }, observer: recorder);
        _thread = new Thread(Count) { IsBackground = true, Name = "link observer" };
        _thread.Start();
    }

    /// <summary>RST segments seen so far, either way.</summary>
    internal long Resets
    {
        get
        {
            lock (_gate)
            {
                return _resets;
            }
        }
    }

    /// <summary>FIN segments, either way, that were captured from one instant to another and have been seen by now.</summary>
    internal long FinsBetween(CaptureTimestamp from, CaptureTimestamp to)
    {
        lock (_gate)
        {
            return _fins.Count(at => at >= from && at <= to);
        }
    }

    /// <param name="network">Where to watch.</param>
    /// <param name="recorder">Is told of every segment, on the observer's thread; null for nobody.</param>
    /// <exception cref="DllNotFoundException">libpcap is not installed.</exception>
    internal static LinkObserver Start(DemoNetwork network, ITcpSegmentObserver? recorder = null)
    {
        var options = new LiveCaptureOptions
        {
            Interface = DemoNetwork.ClientInterface,
            Filter = recorder is null ? EndingSegments : "tcp",
            SnapLength = HeaderBytes,
            Immediate = true,
            Promiscuous = false,
        };
        return new LinkObserver(network.Client.Run(() => LiveCapture.Open(options)), recorder);
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
            while (_fins.Count < ClosingFins)
            {
                TimeSpan left = CaptureDelay - Stopwatch.GetElapsedTime(start);
                if (left <= TimeSpan.Zero || !Monitor.Wait(_gate, left))
                {
                    throw new DemoException(
                        $"the observer on the link saw {_fins.Count} of the {ClosingFins} FINs of the end of the connection: it can't testify that there were no resets.");
                }
            }
        }
    }

    public void Dispose()
    {
        _capture.Dispose();
        _thread.Join();
    }

    private void Count()
    {
        using var source = new LivePacketSource(_capture);
        try
        {
            while (source.TryRead(out CapturedPacket packet))
            {
                PacketView view = packet.Parse();
                _tracker?.Process(in view, packet.Metadata.Timestamp, packet.Metadata.Number);
                Count(in view, packet.Metadata.Timestamp);
            }
        }
        catch (IOException)
        {
            // The link went with its namespace: whoever still waits for segments says that they did not come.
        }
    }

    private void Count(in PacketView packet, CaptureTimestamp at)
    {
        if (packet.TryGetTcp(out TcpView tcp))
        {
            lock (_gate)
            {
                _resets += tcp.Flags.HasFlag(TcpFlags.Rst) ? 1 : 0;
                if (tcp.Flags.HasFlag(TcpFlags.Fin))
                {
                    _fins.Add(at);
                }

                Monitor.PulseAll(_gate);
            }
        }
    }
}
