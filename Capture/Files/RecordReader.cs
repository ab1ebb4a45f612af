using System.Diagnostics.CodeAnalysis;
using Interceptor.Packets;

namespace Interceptor.Capture.Files;

/// <summary>Walks one container. Faults are thrown as <see cref="CaptureFileException"/> out of line, with the offset of the record.</summary>
internal abstract class RecordReader(ReadAheadBuffer buffer, string path)
{
    /// <summary>The interfaces met so far.</summary>
    internal List<CaptureInterface> Interfaces { get; } = [];

    /// <summary>What a person wants to know of the container besides its name, as <c>nanoseconds, big-endian</c>.</summary>
    internal abstract string Detail { get; }

    /// <summary>The description of the latest section; empty where the format has none.</summary>
    internal virtual PcapNgSection Section => PcapNgSection.Empty;

    /// <summary>The descriptions of the sections met so far, as far as they are kept; empty where the format has none.</summary>
    internal virtual IReadOnlyList<PcapNgSection> Sections => [];

    protected ReadAheadBuffer Buffer { get; } = buffer;

    /// <summary>The next packet; false at the clean end of the file.</summary>
    internal abstract bool TryRead(long number, out CapturedPacket packet);

    /// <summary>Sees blocks between packets; null for nobody.</summary>
    internal PcapNgBlockHandler? BlockHandler { get; set; }

    /// <summary>The options of the packet read last, as they are.</summary>
    internal virtual PcapNgOptionList Options => default;

    /// <summary>The options of the packet read last.</summary>
    internal virtual PcapNgPacketOptions ReadOptions() => default;

    [DoesNotReturn]
    protected void ThrowTruncated(string what) =>
        throw new CaptureFileException(path, Buffer.Offset, CaptureFileFault.Truncated, $"the file ends inside {what}");

    [DoesNotReturn]
    protected void ThrowCorrupt(string reason) =>
        throw new CaptureFileException(path, Buffer.Offset, CaptureFileFault.Corrupt, reason);

    [DoesNotReturn]
    protected void ThrowUnsupported(string reason) =>
        throw new CaptureFileException(path, Buffer.Offset, CaptureFileFault.UnknownFormat, reason);
}
