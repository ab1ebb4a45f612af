
namespace Interceptor.Capture.Files;

/// <summary>
/// A capture in a file, or several that are read as one: packets with what else is recorded of them, and the blocks between them.
/// <para>Threads: one reader; <see cref="InputPosition"/> may be asked on any.</para>
/// </summary>
public interface ICaptureFileSource : IPacketSource
{
    /// <summary>The container: pcapng where there are blocks and options.</summary>
    CaptureFileFormat Format { get; }

    /// <summary>Packets delivered so far.</summary>
    long PacketsRead { get; }

    /// <summary>Bytes on the disk, compressed or not; null where that is not known.</summary>
    long? InputLength { get; }

    /// <summary>How many of them were read so far.</summary>
    long InputPosition { get; }

    /// <summary>Called before more bytes are asked for, which may take long; null for nothing.</summary>
    Action? BeforeRead { get; set; }

    /// <summary>Sees each pcapng block that is no packet; null for nobody. Set before the first packet is read.</summary>
    PcapNgBlockHandler? BlockHandler { get; set; }

    /// <summary>The options of the packet read last as the file has them, lent until the next one; none for pcap.</summary>
    PcapNgOptionList PacketOptions { get; }
}
