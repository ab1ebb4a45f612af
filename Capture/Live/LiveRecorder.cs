using Interceptor.Capture.Files;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// Records a live capture in a file that grows while others may read it, or in a row of files: what was captured is handed to the operating
/// system whenever no packet is waiting. Each pcapng file ends with the capture's counters for its time, also when the interface went away.
/// <para>Threads: one. The source stays the caller's.</para>
/// </summary>
public sealed class LiveRecorder : IDisposable
{
    private readonly LivePacketSource _source;
    private readonly string _path;
    private readonly CaptureRotation? _rotation;
    private readonly Queue<string> _kept = new();
    private CaptureFileWriter? _writer;
    private int _interfaceId;
    private CaptureTimestamp _start;
    private LiveCaptureStatistics _countersAtStart;
    private long _packetsAtStart;

    /// <summary>Makes the file, or the first of them.</summary>
    /// <param name="source">What to record.</param>
    /// <param name="path">As for <see cref="CaptureFile.Create"/>.</param>
    /// <param name="rotation">When to begin a further file; null for one file.</param>
    /// <exception cref="CaptureFileException">It can't be made.</exception>
    public LiveRecorder(LivePacketSource source, string path, CaptureRotation? rotation = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (rotation is not null)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rotation.FileBytes ?? 1, nameof(rotation));
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero((rotation.FileTime ?? TimeSpan.MaxValue).Ticks, nameof(rotation));
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rotation.Files ?? 1, nameof(rotation));
        }

        _source = source;
        _path = path;
        _rotation = rotation;
        _writer = Begin();
    }

    /// <summary>Files made so far.</summary>
    public int Files { get; private set; }

    /// <summary>Records until the capture is stopped or <paramref name="limit"/> packets are written.</summary>
    /// <exception cref="LinuxException">The interface went down or away; what came before is in the file.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public void Run(long limit = long.MaxValue)
    {
        for (long written = 0; written < limit; written++)
        {
            ObjectDisposedException.ThrowIf(_writer is null, this);
            if (_source.WouldWait)
            {
                _writer.Flush();
            }

            if (!_source.TryRead(out CapturedPacket packet))
            {
                break;
            }

            if (IsDue(_writer, packet.Metadata.Timestamp))
            {
                End(packetsRead: _source.PacketsRead - 1);
                _writer = Begin();
                _packetsAtStart--;
            }

            Write(_writer, packet);
        }
    }

    /// <summary>Writes the counters and closes the file.</summary>
    public void Dispose() => End(_source.PacketsRead);

    private void Write(CaptureFileWriter writer, in CapturedPacket packet)
    {
        if (_source.Comment is { } comment && writer is PcapNgWriter pcapng)
        {
            pcapng.Write(packet, new PcapNgPacketOptions { Comment = comment });
        }
        else
        {
            writer.Write(packet);
        }
    }

    private bool IsDue(CaptureFileWriter writer, CaptureTimestamp at) => _rotation is { } rotation && writer.PacketsWritten > 0
        && (writer.BytesWritten >= rotation.FileBytes || at - _start >= rotation.FileTime?.TotalNanoseconds);

    private CaptureFileWriter Begin()
    {
        string path = _rotation is null ? _path : CaptureRotation.NameOf(_path, Files + 1);
        CaptureFileWriter writer = CaptureFile.Create(path);
        Files++;
        _kept.Enqueue(path);
        if (_kept.Count > _rotation?.Files)
        {
            File.Delete(_kept.Dequeue());
        }

        string filter = _source.Capture.Options.Filter;
        CaptureInterface described = _source.Capture.Interface;
        _interfaceId = writer.AddInterface(filter.Length == 0 ? described : described with { Filter = filter });
        _start = new CaptureTimestamp(Clock.RealtimeNanoseconds());
        _countersAtStart = Files == 1 ? default : _source.Capture.Statistics;
        _packetsAtStart = _source.PacketsRead;
        return writer;
    }

    private void End(long packetsRead)
    {
        using CaptureFileWriter? writer = _writer;
        _writer = null;
        if (writer is PcapNgWriter pcapng)
        {
            LiveCaptureStatistics now = _source.Capture.Statistics;
            LiveCaptureStatistics start = _countersAtStart;
            var end = new CaptureTimestamp(Clock.RealtimeNanoseconds());
            pcapng.WriteInterfaceStatistics(_interfaceId, end, new InterfaceStatistics
            {
                Start = _start,
                End = end,
                AcceptedByFilter = (ulong)(now.Received - start.Received),
                DroppedByInterface = (ulong)(now.DroppedByInterface - start.DroppedByInterface),

                // The format has no counter for ours: a reader shall see that packets are missing, whoever dropped them.
                DroppedBySystem = (ulong)(now.DroppedByKernel + now.DroppedByUser - start.DroppedByKernel - start.DroppedByUser),
                Delivered = (ulong)(packetsRead - _packetsAtStart),
            });
        }

        writer?.Commit();
    }
}
