using Interceptor.Capture.Files;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// Records a live capture in a file that grows while others may read it: whatever waits is on disk whenever no packet is waiting. A pcapng
/// file ends with the capture's counters, also when the interface went away.
/// <para>Threads: one. The source stays the caller's.</para>
/// </summary>
public sealed class LiveRecorder : IDisposable
{
    private readonly LivePacketSource _source;
    private readonly CaptureFileWriter _writer;
    private readonly CaptureTimestamp _start = Now();
    private readonly int _interfaceId;
    private bool _disposed;

    /// <summary>Makes the file.</summary>
    /// <param name="source">What to record.</param>
    /// <param name="path">As for <see cref="CaptureFile.Create"/>.</param>
    /// <exception cref="CaptureFileException">It can't be made.</exception>
    public LiveRecorder(LivePacketSource source, string path)
    {
        ArgumentNullException.ThrowIfNull(source);
        _source = source;
        _writer = CaptureFile.Create(path);
        string filter = source.Capture.Options.Filter;
        _interfaceId = _writer is PcapNgWriter pcapng
            ? pcapng.AddInterface(source.Capture.Interface, filter.Length == 0 ? null : filter)
            : _writer.AddInterface(source.Capture.Interface);
    }

    /// <summary>Records until the capture is stopped or <paramref name="limit"/> packets are written.</summary>
    /// <exception cref="LinuxException">The interface went down or away; what came before is in the file.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public void Run(long limit = long.MaxValue)
    {
        for (long written = 0; written < limit; written++)
        {
            if (_source.WouldWait)
            {
                _writer.Flush();
            }

            if (!_source.TryRead(out CapturedPacket packet))
            {
                break;
            }

            _writer.Write(packet);
        }
    }

    /// <summary>Writes the counters and closes the file.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        using (_writer)
        {
            if (_writer is PcapNgWriter pcapng)
            {
                LiveCaptureStatistics statistics = _source.Capture.Statistics;
                CaptureTimestamp now = Now();
                pcapng.WriteInterfaceStatistics(_interfaceId, now, new InterfaceStatistics
                {
                    Start = _start,
                    End = now,
                    AcceptedByFilter = (ulong)statistics.Received,
                    DroppedByInterface = (ulong)statistics.DroppedByInterface,

                    // The format has no counter for ours: a reader shall see that packets are missing, whoever dropped them.
                    DroppedBySystem = (ulong)(statistics.DroppedByKernel + statistics.DroppedByUser),
                    Delivered = (ulong)_source.PacketsRead,
                });
            }

            _writer.Commit();
        }
    }

    private static CaptureTimestamp Now() => new(Clock.RealtimeNanoseconds());
}
