using Interceptor.Capture.Files;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// Records a live capture in a file that grows while others may read it, or in a row of files. What was captured is handed to the operating system whenever no
/// packet is waiting, and a gzip file then can be unpacked whole at most a second later. Each pcapng file ends with the capture's counters for its time, also when
/// the interface went away.
/// <para>A file ends as soon as it is full or its time is over, and the next begins with the next packet: a silent time makes no files. The first is there from the start;
/// if its time is over before a packet came, it is deleted. A packet belongs to the time of its own stamp.</para>
/// <para>Threads: one; the requests may come on any. The source stays the caller's.</para>
/// </summary>
public sealed class LiveRecorder : IDisposable
{
    /// <summary>Between the end of a file's time and the moment when no packet of it comes any more: the kernel gathers them for 100 ms.</summary>
    private const long Grace = 200_000_000;

    private const long MemberTime = CaptureTimestamp.NanosecondsPerSecond;
    private const int NanosecondsPerMillisecond = 1_000_000;

    /// <summary>While no packet comes, requests are looked for so often.</summary>
    private const long LongestWait = 200_000_000;

    private readonly LivePacketSource _source;
    private readonly string _path;
    private readonly CaptureRotation? _rotation;
    private readonly RotationSchedule _schedule;
    private readonly RecordingFolder _folder;
    private CaptureFileWriter? _writer;
    private bool _disposed;
    private volatile bool _rotationRequested;
    private volatile bool _flushRequested;
    private volatile bool _endRequested;
    private long _packetsClosed;
    private bool _isFlushed;
    private bool _isMemberOpen;
    private long _memberEnd;
    private RecordedInterfaces? _interfaces;
    private RecordedInterfaces? _ended;

    /// <summary>Makes the file, or the first of them.</summary>
    /// <param name="source">What to record.</param>
    /// <param name="path">As for <see cref="CaptureFile.Create"/>; with a rotation a <see cref="FileNamePattern"/>, and numbered where that has no time in it.</param>
    /// <param name="rotation">When to begin a further file; null for one file.</param>
    /// <param name="format">The format of the files; null for the one of their name.</param>
    /// <param name="zone">Whose clock names files and begins them; null for the local one.</param>
    /// <exception cref="CaptureFileException">It can't be made.</exception>
    /// <exception cref="FormatException">The name has a conversion that does not exist.</exception>
    public LiveRecorder(LivePacketSource source, string path, CaptureRotation? rotation = null, CaptureFileFormat? format = null, TimeZoneInfo? zone = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        rotation?.Validate();
        _source = source;
        _path = path;
        _rotation = rotation;
        _schedule = new RotationSchedule(rotation ?? new CaptureRotation(), zone ?? TimeZoneInfo.Local);
        _folder = new RecordingFolder(path, rotation, format, zone ?? TimeZoneInfo.Local);
        Begin(new CaptureTimestamp(Clock.RealtimeNanoseconds()));
    }

    /// <summary>Raised on the recorder's thread for each file that is closed and kept, before the next is made.</summary>
    public event Action<RecordedFile>? FileClosed;

    /// <summary>True where a further file can be made: not for standard output, a FIFO or a device.</summary>
    public bool CanRotate => _rotation is not null || (_path != CaptureFile.StandardStream && FileStatus.Of(_path) is null or { IsRegular: true });

    /// <summary>Closes the file within 0.2 s, also if no packet comes. Any thread.</summary>
    public void RequestRotation() => _rotationRequested = true;

    /// <summary>Ends the recording before what was captured is written to the end: the file is closed, the rest is left unread. Any thread.</summary>
    public void RequestEnd() => _endRequested = true;

    /// <summary>Packets that are in the files, or on their way into the open one; after a failure those that found room.</summary>
    public long PacketsWritten => _packetsClosed + (_writer?.PacketsWritten ?? 0);

    /// <summary>Hands everything to the operating system within 0.2 s; a gzip file then can be unpacked whole. Any thread.</summary>
    public void RequestFlush() => _flushRequested = true;

    /// <summary>Records until the capture is stopped or <paramref name="limit"/> packets are written.</summary>
    /// <param name="limit">Packets to write.</param>
    /// <param name="also">A further sink for the same packets, which stays the caller's; null for none.</param>
    /// <exception cref="LinuxException">The interface went down or away; what came before is in the file.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public void Run(long limit = long.MaxValue, IPacketSink? also = null)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        for (long written = 0; written < limit; written++)
        {
            ServeRequests();
            if (_endRequested || !TryTake(also, out CapturedPacket packet))
            {
                break;
            }

            Record(packet);
            also?.Write(packet);
        }
    }

    /// <summary>Writes the counters and closes the file.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            End(RotationReason.End);
        }
    }

    private void Record(in CapturedPacket packet)
    {
        CaptureTimestamp at = InstantOf(packet);
        if (_writer is not null && _schedule.Judge(at) is { } over)
        {
            End(over);
        }

        CaptureFileWriter writer = _writer ?? Begin(at);
        Write(writer, packet);
        _interfaces!.CountWritten(packet);
        _isFlushed = false;
        if (!_isMemberOpen)
        {
            _isMemberOpen = true;
            _memberEnd = Clock.MonotonicNanoseconds() + MemberTime;
        }

        if (_schedule.Judge(writer.BytesStored, writer.PacketsWritten) is { } full)
        {
            End(full);
        }
        else
        {
            _folder.MakeRoom(writer.BytesStored);
        }
    }

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

    /// <summary>When a packet was captured, by the system's clock as far as can be told; without a rotation by time nobody asks.</summary>
    private CaptureTimestamp InstantOf(in CapturedPacket packet)
    {
        CaptureTimestamp stamp = packet.Metadata.Timestamp;
        if (_rotation is not { HasTime: true } && _writer is not null)
        {
            return stamp;
        }

        var now = new CaptureTimestamp(Clock.RealtimeNanoseconds());
        return Math.Abs(now - stamp) <= RotationSchedule.LargestLag ? stamp : now;
    }

    /// <summary>Waits for a packet, and does meanwhile what the clock and others ask for.</summary>
    private bool TryTake(IPacketSink? also, out CapturedPacket packet)
    {
        if (!_source.WouldWait)
        {
            return _source.TryRead(out packet);
        }

        also?.Flush();
        if (_writer is not null && !_isFlushed)
        {
            _isFlushed = true;
            _writer.Flush();
        }

        while (true)
        {
            ServeRequests();
            var now = new CaptureTimestamp(Clock.RealtimeNanoseconds());
            if (_writer is not null && _schedule.Judge(now + -Grace) is { } over)
            {
                End(over);
            }

            if (_writer is not null && _isMemberOpen && Clock.MonotonicNanoseconds() >= _memberEnd)
            {
                EndMember(_writer);
            }

            if (_source.TryRead(out packet, Patience(now)))
            {
                return true;
            }

            if (_source.HasEnded || _endRequested)
            {
                return false;
            }
        }
    }

    /// <summary>Until the end of the open file's time, and not longer than somebody who asked for something may wait.</summary>
    private TimeSpan Patience(CaptureTimestamp now)
    {
        long left = _rotation is { HasTime: true } && _writer is not null ? _schedule.Due - now + Grace : LongestWait;
        return TimeSpan.FromMilliseconds((Math.Clamp(left, 0, LongestWait) / NanosecondsPerMillisecond) + 1);
    }

    private void EndMember(CaptureFileWriter writer)
    {
        _isMemberOpen = false;
        _isFlushed = true;
        writer.EndMember();
    }

    private void ServeRequests()
    {
        if (_flushRequested)
        {
            _flushRequested = false;
            if (_writer is not null)
            {
                EndMember(_writer);
            }
        }

        if (_rotationRequested)
        {
            _rotationRequested = false;
            End(RotationReason.Request);
        }
    }

    private CaptureFileWriter Begin(CaptureTimestamp at)
    {
        CaptureFileWriter writer = _folder.Create(_schedule.Begin(at));
        _writer = writer;
        _interfaces = new RecordedInterfaces(_source.Capture, writer, _ended);
        return writer;
    }

    private void End(RotationReason reason)
    {
        if (_writer is not { } writer)
        {
            return;
        }

        _isMemberOpen = false;
        _isFlushed = true;
        bool isEmpty = writer.PacketsWritten == 0 && reason is RotationReason.Duration or RotationReason.Clock;
        try
        {
            using (writer)
            {
                if (!isEmpty)
                {
                    _interfaces!.WriteStatistics();
                    _ended = _interfaces;
                    writer.Commit();
                }
            }
        }
        finally
        {
            _packetsClosed += writer.PacketsWritten;
            _writer = null;
            if (isEmpty || (_rotation is not null && writer.HasFailed && writer.BytesStored == 0))
            {
                _folder.Discard();
            }
        }

        if (!isEmpty && !writer.HasFailed)
        {
            long bytes = _folder.Keep();
            _folder.MakeRoom(0);
            FileClosed?.Invoke(new RecordedFile(writer.Path, writer.PacketsWritten, bytes, reason));
        }
    }
}
