using System.Diagnostics;
using Interceptor.Capture;
using Interceptor.Capture.Files;
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
    private readonly CaptureFileWriter? _record;
    private readonly TcpTracker _tracker = new();
    private long _number;

    /// <param name="host">Where to record.</param>
    /// <param name="interfaceName">At which interface.</param>
    /// <param name="record">The file to write whole packets to; null for none.</param>
    internal TruthTap(NetworkNamespace host, string interfaceName, string? record = null)
    {
        _capture = host.Run(() => LiveCapture.Open(new LiveCaptureOptions
        {
            Interface = interfaceName,
            Filter = "tcp or udp",
            SnapLength = record is null ? HeaderBytes : LiveCaptureOptions.MaximumSnapLength,
            GatherTime = TimeSpan.FromMilliseconds(5),
        }));
        if (record is not null)
        {
            _record = CaptureFile.Create(record);
            foreach (CaptureInterface description in _capture.Descriptions)
            {
                _record.AddInterface(description);
            }
        }
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
                    _record?.Write(lease.Packet);
                }
            }
        }

        _record?.Flush();
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

    public void Dispose()
    {
        _capture.Dispose();
        _record?.Dispose();
    }
}
