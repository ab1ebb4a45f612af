namespace Interceptor.Capture.Files;

/// <summary>The container of a capture file.</summary>
public enum CaptureFileFormat
{
    /// <summary>Classic pcap: microseconds, nanoseconds, or the Kuznetzov variant with longer record headers.</summary>
    Pcap,

    /// <summary>pcapng: sections of blocks.</summary>
    PcapNg,
}
