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
    private readonly CaptureFileFormat? _format;
    private readonly Queue<string> _kept = new();
    private CaptureFileWriter? _writer;
    private RecordedInterfaces? _interfaces;
    private CaptureTimestamp _start;

    /// <summary>Makes the file, or the first of them.</summary>
    /// <param name="source">What to record.</param>
    /// <param name="path">As for <see cref="CaptureFile.Create"/>.</param>
    /// <param name="rotation">When to begin a further file; null for one file.</param>
    /// <param name="format">The format of the files; null for the one of their name.</param>
    /// <exception cref="CaptureFileException">It can't be made.</exception>
    public LiveRecorder(LivePacketSource source, string path, CaptureRotation? rotation = null, CaptureFileFormat? format = null)
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
        _format = format;
        _writer = Begin();
    }

    /// <summary>Files made so far.</summary>
    public int Files { get; private set; }

    /// <summary>Records until the capture is stopped or <paramref name="limit"/> packets are written.</summary>
    /// <param name="limit">Packets to write.</param>
    /// <param name="also">A further sink for the same packets, which stays the caller's; null for none.</param>
    /// <exception cref="LinuxException">The interface went down or away; what came before is in the file.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public void Run(long limit = long.MaxValue, IPacketSink? also = null)
    {
        for (long written = 0; written < limit; written++)
        {
            ObjectDisposedException.ThrowIf(_writer is null, this);
            if (_source.WouldWait)
            {
                _writer.Flush();
                also?.Flush();
            }

            if (!_source.TryRead(out CapturedPacket packet))
            {
                break;
            }

            if (IsDue(_writer, packet.Metadata.Timestamp))
            {
                End();
                _writer = Begin();
            }

            Write(_writer, packet);
            _interfaces!.CountWritten(packet);
            also?.Write(packet);
        }
    }

    /// <summary>Writes the counters and closes the file.</summary>
    public void Dispose() => End();

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
        CaptureFileWriter writer = CaptureFile.Create(path, format: _format);
        Files++;
        _kept.Enqueue(path);
        if (_kept.Count > _rotation?.Files)
        {
            File.Delete(_kept.Dequeue());
        }

        _interfaces = new RecordedInterfaces(_source.Capture, writer, fromTheStart: Files == 1);
        _start = new CaptureTimestamp(Clock.RealtimeNanoseconds());
        return writer;
    }

    private void End()
    {
        using CaptureFileWriter? writer = _writer;
        _writer = null;
        if (writer is not null)
        {
            _interfaces!.WriteStatistics();
            writer.Commit();
        }
    }
}
