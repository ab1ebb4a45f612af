using System.Diagnostics;
using Interceptor.Capture.Live;
using Interceptor.Interop;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.LinuxTests.Tcp;

/// <summary>The recording at one host's interface, and the model that follows it.</summary>
internal sealed class TruthTap : IDisposable
{
    // Headers only: the model needs the lengths, and the ring holds a whole transfer whoever gets the processor.
    private const int HeaderBytes = 128;

    private const byte TcpProtocol = 6;

    private readonly LiveCapture _capture;
    private readonly TcpTracker _tracker = new();
    private long _number;

    internal TruthTap(NetworkNamespace host, string interfaceName)
    {
        _capture = host.Run(() => LiveCapture.Open(new LiveCaptureOptions
        {
            Interface = interfaceName,
            Filter = "tcp or udp",
            SnapLength = HeaderBytes,
            GatherTime = TimeSpan.FromMilliseconds(5),
        }));
    }

    /// <summary>Feeds the model up to the marker: everything that the host sent and got before it.</summary>
    internal void ReadTo(int marker)
    {
        long start = Stopwatch.GetTimestamp();
        var spin = default(SpinWait);
        while (true)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TruthLab.Deadline, $"Marker {marker} did not come.");
            if (!_capture.TryTake(out PacketLease? lease))
            {
                spin.SpinOnce();
                continue;
            }

            using (lease)
            {
                PacketView packet = lease.Packet.Parse();
                if (packet.Innermost.Kind == LayerKind.Udp)
                {
                    if (BitConverter.ToInt32(packet.Payload) == marker)
                    {
                        break;
                    }
                }
                else
                {
                    _tracker.Process(in packet, lease.Metadata.Timestamp, ++_number);
                }
            }
        }

        LiveCaptureStatistics statistics = _capture.Statistics;
        Assert.Equal(0, statistics.DroppedByKernel + statistics.DroppedByInterface + statistics.DroppedByUser);
    }

    internal TcpSnapshot Snapshot(FlowEndpoint local, FlowEndpoint peer) => Find(local, peer).Snapshot();

    /// <summary>The model of one end.</summary>
    internal TcpEndpoint Find(FlowEndpoint local, FlowEndpoint peer)
    {
        Assert.True(_tracker.TryFind(new FlowKey(local, peer, TcpProtocol), out TcpConnection? connection));
        return connection!.First.Address == local ? connection.First : connection.Second;
    }

    public void Dispose() => _capture.Dispose();
}
