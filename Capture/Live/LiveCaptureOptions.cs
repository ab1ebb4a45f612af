namespace Interceptor.Capture.Live;

/// <summary>What to capture and how, for one interface.</summary>
public sealed record LiveCaptureOptions
{
    /// <summary>The interface, in the calling thread's network namespace; <see cref="AnyInterface"/> for all of them (cooked headers, which tell the interface of each packet).</summary>
    public required string Interface { get; init; }

    /// <summary>A pcap-filter expression that the kernel applies before it copies a packet; empty for every packet.</summary>
    public string Filter { get; init; } = "";

    /// <summary>Bytes kept of a packet, 1 to 262,144 (libpcap's limit, and the default: nothing is cut).</summary>
    public int SnapLength { get; init; } = MaximumSnapLength;

    /// <summary>Take packets for other machines too. On, as in tcpdump.</summary>
    public bool Promiscuous { get; init; } = true;

    /// <summary>Bytes of the kernel's ring. 8 MiB hold a tenth of a second at 640 Mbit/s, which is about what a collection or a slow disk takes.</summary>
    public int BufferBytes { get; init; } = 8 << 20;

    /// <summary>
    /// Hand over each packet as it comes, instead of gathering for <see cref="GatherTime"/>: quick and dear. The ring then has a slot of
    /// <see cref="SnapLength"/> or the interface's MTU for each packet (libpcap's TPACKET_V2), so that a long one makes it overflow early.
    /// </summary>
    public bool Immediate { get; init; }

    /// <summary>How long the kernel may gather packets before it wakes us. 100 ms, so that a person sees no delay.</summary>
    public TimeSpan GatherTime { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Who stamps the packets, by libpcap's name (<c>host</c>, <c>adapter</c>, ...; see <see cref="TimeSource.Of"/>); null for the kernel.</summary>
    public string? TimeSource { get; init; }

    /// <summary>
    /// Bytes that may wait between the capture's thread and the reader, in steps of 1 MiB; what comes then is dropped and counted. 64 MiB, used as they are
    /// needed: a slow disk is the usual reason to wait, and this is half a second of 1 Gbit/s.
    /// </summary>
    public long QueueBytes { get; init; } = 64 << 20;

    /// <summary>The longest packet libpcap takes.</summary>
    public const int MaximumSnapLength = 262_144;

    /// <summary>The name that stands for all interfaces.</summary>
    public const string AnyInterface = "any";
}
