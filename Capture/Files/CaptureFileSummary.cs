using System.Buffers.Binary;
using System.Security.Cryptography;
using Interceptor.Packets;

namespace Interceptor.Capture.Files;

/// <summary>What a whole capture file holds, found by reading it once. Damage does not hide what came before it.</summary>
public sealed class CaptureFileSummary
{
    private CaptureFileSummary(string path) => Path = path;

    /// <summary>The file as it was named.</summary>
    public string Path { get; }

    /// <summary>The container; null where the file could not be opened or is no capture.</summary>
    public CaptureFileFormat? Format { get; private set; }

    /// <summary>Resolution, byte order, version and compression, for people.</summary>
    public string FormatDetail { get; private set; } = "";

    /// <summary>What the pcapng sections say of their making, of very many the first ones and the last; empty for pcap.</summary>
    public IReadOnlyList<PcapNgSection> Sections { get; private set; } = [];

    /// <summary>Every interface described, with the drops recorded for it: in its statistics, or else with its packets.</summary>
    public IReadOnlyList<CaptureInterface> Interfaces { get; private set; } = [];

    /// <summary>Packets on each interface, in the order of <see cref="Interfaces"/>.</summary>
    public IReadOnlyList<long> PacketsOfInterface { get; private set; } = [];

    /// <summary>The distinct link types of the interfaces, in ascending order.</summary>
    public IReadOnlyList<LinkType> LinkTypes { get; private set; } = [];

    /// <summary>Packets.</summary>
    public long Packets { get; private set; }

    /// <summary>Sum of the captured lengths.</summary>
    public long CapturedBytes { get; private set; }

    /// <summary>Sum of the original lengths.</summary>
    public long OriginalBytes { get; private set; }

    /// <summary>Packets of which fewer bytes were captured than were on the wire.</summary>
    public long TruncatedPackets { get; private set; }

    /// <summary>Packets without a timestamp.</summary>
    public long PacketsWithoutTimestamp { get; private set; }

    /// <summary>When the first packet in file order that has a timestamp was captured; null without one.</summary>
    public CaptureTimestamp? FirstPacket { get; private set; }

    /// <summary>When the last packet in file order that has a timestamp was captured; null without one.</summary>
    public CaptureTimestamp? LastPacket { get; private set; }

    /// <summary>The earliest timestamp of a packet; null without one.</summary>
    public CaptureTimestamp? Earliest { get; private set; }

    /// <summary>The latest timestamp of a packet; null without one.</summary>
    public CaptureTimestamp? Latest { get; private set; }

    /// <summary>From the earliest to the latest timestamp in ns; null without one. It can be longer than 64 bits hold.</summary>
    public Int128? DurationNanoseconds => Latest is { } latest && Earliest is { } earliest ? (Int128)latest.Nanoseconds - earliest.Nanoseconds : null;

    /// <summary>Packets in one second of that time; null where no time passed.</summary>
    public double? PacketsPerSecond => DurationNanoseconds is { } duration && duration > 0 ? (Packets - PacketsWithoutTimestamp) * 1e9 / (double)duration : null;

    /// <summary>Bits on the wire in one second of that time; null where no time passed.</summary>
    public double? BitsPerSecond => DurationNanoseconds is { } duration && duration > 0 ? OriginalBytes * 8e9 / (double)duration : null;

    /// <summary>Bytes on the wire of a packet on average; null without packets.</summary>
    public double? AverageBytes => Packets > 0 ? (double)OriginalBytes / Packets : null;

    /// <summary>Packets that have a comment.</summary>
    public long PacketsWithComment { get; private set; }

    /// <summary>Packets with a timestamp earlier than that of the one before.</summary>
    public long StepsBack { get; private set; }

    /// <summary>Drops recorded over all interfaces, at most <see cref="long.MaxValue"/>; null where none were recorded.</summary>
    public long? Dropped { get; private set; }

    /// <summary>
    /// SHA-256 over all packets in file order of time in ns (u64 LE, 0 without one), captured length (u32 LE), original length (u32 LE) and the
    /// captured bytes, in lower-case hex; null where it was not asked for.
    /// </summary>
    public string? PacketsSha256 { get; private set; }

    /// <summary>SHA-256 of the file itself in lower-case hex; null where it was not asked for, of a stream, and of what can't be read.</summary>
    public string? FileSha256 { get; private set; }

    /// <summary>Bytes of the file itself; null of a stream and of what can't be read.</summary>
    public long? FileBytes { get; private set; }

    /// <summary>The damage that ended the reading; null for a sound file.</summary>
    public CaptureFileException? Error { get; private set; }

    /// <summary>True where the reading was ended before the end of the file: the rest is not counted.</summary>
    public bool WasInterrupted { get; private set; }

    /// <summary>Reads a file to its end or to its damage.</summary>
    /// <param name="path">The file, or <c>-</c> for standard input.</param>
    /// <param name="hash">Compute <see cref="PacketsSha256"/>.</param>
    /// <param name="opened">Gets the reader, to show how far it is; closed when this returns.</param>
    /// <param name="until">Ends the reading; what was read till then is told.</param>
    /// <exception cref="OperationCanceledException">The reading was ended before the first header was there.</exception>
    public static CaptureFileSummary Read(string path, bool hash = false, Action<CaptureFileReader>? opened = null, CancellationToken until = default)
    {
        var summary = new CaptureFileSummary(path);
        try
        {
            using CaptureFileReader reader = CaptureFile.OpenRead(path, until);
            opened?.Invoke(reader);
            summary.Fill(reader, hash);
            summary.HashFile(hash, path);
        }
        catch (CaptureFileException exception)
        {
            summary.Error = exception;
        }

        return summary;
    }

    /// <summary>Reads what is left of an open capture.</summary>
    /// <param name="reader">The capture; stays the caller's.</param>
    /// <param name="hash">Compute <see cref="PacketsSha256"/>.</param>
    public static CaptureFileSummary Read(CaptureFileReader reader, bool hash = false)
    {
        ArgumentNullException.ThrowIfNull(reader);
        var summary = new CaptureFileSummary(reader.Path);
        summary.Fill(reader, hash);
        return summary;
    }

    private void Fill(CaptureFileReader reader, bool hash)
    {
        using IncrementalHash? sha = hash ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
        var counts = new List<long>();
        var dropped = new Dictionary<int, long>();
        try
        {
            while (reader.TryRead(out CapturedPacket packet))
            {
                Add(packet, counts);
                AddOptions(reader.PacketOptions, packet.Metadata.InterfaceId, dropped);
                AddToHash(sha, packet);
            }
        }
        catch (CaptureFileException exception)
        {
            Error = exception;
        }

        WasInterrupted = reader.WasInterrupted;
        Format = reader.Format;
        FormatDetail = reader.FormatDetail;
        FileBytes = reader.InputLength;
        Sections = reader.Sections;
        Interfaces = [.. reader.Interfaces.Select((each, id) => each with { Dropped = each.Dropped ?? (dropped.TryGetValue(id, out long count) ? count : null) })];
        GrowTo(counts, Interfaces.Count);
        PacketsOfInterface = counts;
        LinkTypes = [.. Interfaces.Select(each => each.LinkType).Distinct().Order()];
        Dropped = Interfaces.Select(each => each.Dropped).Where(count => count is not null).Aggregate(default(long?), (sum, count) => AddSaturated(sum ?? 0, count!.Value));
        PacketsSha256 = sha is null ? null : Convert.ToHexStringLower(sha.GetCurrentHash());
    }

    private void HashFile(bool hash, string path)
    {
        if (!hash || FileBytes is null || WasInterrupted || path == CaptureFile.StandardStream)
        {
            return;
        }

        try
        {
            using FileStream file = File.OpenRead(path);
            FileSha256 = Convert.ToHexStringLower(SHA256.HashData(file));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It went away after it was read: the packets are told all the same.
        }
    }

    private void Add(in CapturedPacket packet, List<long> counts)
    {
        PacketMetadata metadata = packet.Metadata;
        Packets++;
        CapturedBytes += packet.Data.Length;
        OriginalBytes += metadata.OriginalLength;
        TruncatedPackets += packet.IsTruncated ? 1 : 0;
        GrowTo(counts, metadata.InterfaceId + 1);
        counts[metadata.InterfaceId]++;
        if (!metadata.HasTimestamp)
        {
            PacketsWithoutTimestamp++;
            return;
        }

        FirstPacket ??= metadata.Timestamp;
        Earliest = Earliest is { } earliest && earliest <= metadata.Timestamp ? earliest : metadata.Timestamp;
        Latest = Latest is { } latest && latest >= metadata.Timestamp ? latest : metadata.Timestamp;
        StepsBack += LastPacket is { } last && metadata.Timestamp < last ? 1 : 0;
        LastPacket = metadata.Timestamp;
    }

    private void AddOptions(PcapNgOptionList options, int interfaceId, Dictionary<int, long> dropped)
    {
        if (options.IsEmpty)
        {
            return;
        }

        PacketsWithComment += options.CountComments() > 0 ? 1 : 0;
        if (options.ReadDropCount() is { } count)
        {
            dropped[interfaceId] = AddSaturated(dropped.GetValueOrDefault(interfaceId), long.CreateSaturating(count));
        }
    }

    /// <summary>The sum of two numbers that are not negative, at most <see cref="long.MaxValue"/>: a file can record anything.</summary>
    private static long AddSaturated(long left, long right) => right > long.MaxValue - left ? long.MaxValue : left + right;

    private static void AddToHash(IncrementalHash? sha, in CapturedPacket packet)
    {
        if (sha is null)
        {
            return;
        }

        Span<byte> header = stackalloc byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(header, packet.Metadata.HasTimestamp ? packet.Metadata.Timestamp.Nanoseconds : 0);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], packet.Data.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], packet.Metadata.OriginalLength);
        sha.AppendData(header);
        sha.AppendData(packet.Data);
    }

    private static void GrowTo(List<long> counts, int count)
    {
        while (counts.Count < count)
        {
            counts.Add(0);
        }
    }
}
