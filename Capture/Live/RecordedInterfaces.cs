using Interceptor.Capture.Files;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>The interfaces of a live capture in one file: described at its beginning, and at its end what became of their packets in its time.</summary>
internal sealed class RecordedInterfaces
{
    private readonly LiveCapture _capture;
    private readonly CaptureFileWriter _writer;
    private readonly int[] _ids;
    private readonly LiveCaptureStatistics[] _before;
    private readonly LiveCaptureStatistics[] _now;
    private readonly long[] _written;
    private readonly CaptureTimestamp _start;
    private CaptureTimestamp _end;

    /// <summary>Describes them.</summary>
    /// <param name="capture">The capture.</param>
    /// <param name="writer">The file, new.</param>
    /// <param name="before">
    /// Those of the file before, from whose end the counters go on: a silent time between two files is a part of the later one. Null for the first,
    /// whose time is the capture's from its begin.
    /// </param>
    /// <exception cref="CaptureFileException">The format has no place for them all.</exception>
    internal RecordedInterfaces(LiveCapture capture, CaptureFileWriter writer, RecordedInterfaces? before)
    {
        _capture = capture;
        _writer = writer;
        _ids = [.. capture.Descriptions.Select(writer.AddInterface)];
        _before = before?._now ?? new LiveCaptureStatistics[_ids.Length];
        _now = [.. _before];
        _written = new long[_ids.Length];
        _start = before?._end ?? new CaptureTimestamp(Clock.RealtimeNanoseconds());
    }

    /// <summary>Counts a packet that the file got.</summary>
    internal void CountWritten(in CapturedPacket packet) => _written[packet.Metadata.InterfaceId]++;

    /// <summary>Writes the counters, where the format has a place for them.</summary>
    internal void WriteStatistics()
    {
        if (_writer is not PcapNgWriter pcapng)
        {
            return;
        }

        _end = new CaptureTimestamp(Clock.RealtimeNanoseconds());
        for (int id = 0; id < _ids.Length; id++)
        {
            LiveCaptureStatistics now = _now[id] = _capture.Interfaces[id].Statistics;
            LiveCaptureStatistics before = _before[id];
            long byKernel = now.DroppedByKernel - before.DroppedByKernel;
            long byUser = now.DroppedByUser - before.DroppedByUser;
            pcapng.WriteInterfaceStatistics(_ids[id], _end, new InterfaceStatistics
            {
                Start = _start,
                End = _end,
                Received = (ulong?)(now.Seen - (before.Seen ?? 0)),
                AcceptedByFilter = (ulong)(now.Received - before.Received),
                DroppedByInterface = (ulong)(now.DroppedByInterface - before.DroppedByInterface),

                // The format has no counter for ours: a reader shall see that packets are missing, whoever dropped them. The comment tells them apart.
                DroppedBySystem = (ulong)(byKernel + byUser),
                Delivered = (ulong)_written[id],
            }, byKernel + byUser == 0 ? null : $"Dropped by the kernel, its buffer being full: {byKernel}; by Interceptor, its queue being full: {byUser}.");
        }
    }
}
