using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Allocations;

/// <summary>One packet of a capture, kept.</summary>
internal sealed record RealPacket(byte[] Data, int OriginalLength, LinkType LinkType, CaptureTimestamp Timestamp)
{
    internal PacketView Parse() => PacketView.Parse(Data, LinkType, OriginalLength);

    internal CapturedPacket ToCaptured() =>
        new(Data, new PacketMetadata { HasTimestamp = true, Timestamp = Timestamp, OriginalLength = OriginalLength, LinkType = LinkType });
}

/// <summary>The packets that allocation is measured over: our own captures, and the shared ones where they are there.</summary>
internal static class RealPackets
{
    /// <summary>Of each shared capture, so that all kinds of packets are there and a pass takes a moment.</summary>
    private const int MostOfOneFile = 500;

    /// <summary>How often something is measured.</summary>
    internal const int Passes = 5;

    private static readonly Lazy<RealPacket[]> Packets = new(() => [.. Files.SelectMany(Read)]);

    /// <summary>All of them, in the order of the files.</summary>
    internal static RealPacket[] All => Packets.Value;

    /// <summary>The files.</summary>
    internal static IEnumerable<string> Files => Directory.EnumerateFiles(ProjectPaths.OwnCaptures, "*.pcap*")
        .Concat(ProjectPaths.SharedCapturesOrNull is { } shared ? Directory.EnumerateFiles(Path.Combine(shared, "good"), "*.pcap*") : [])
        .Order(StringComparer.Ordinal);

    /// <summary>Bytes that one pass of <paramref name="pass"/> allocates on this thread once it is warm.</summary>
    internal static long AllocatedBy(Action pass) => Least(() =>
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        pass();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    });

    /// <summary>
    /// The least of several measures. The first passes compile, and call what allocates once; and where another thread's collection falls into a pass, the counter
    /// takes the rest of this thread's allocation block, up to 8 KiB, for allocated. What a packet allocates is in every pass.
    /// </summary>
    internal static long Least(Func<long> measure) => Enumerable.Range(0, Passes).Min(_ => measure());

    private static List<RealPacket> Read(string path)
    {
        var packets = new List<RealPacket>();
        using CaptureFileReader reader = CaptureFile.OpenRead(path);
        try
        {
            while (packets.Count < MostOfOneFile && reader.TryRead(out CapturedPacket packet))
            {
                packets.Add(new RealPacket(packet.Data.ToArray(), packet.Metadata.OriginalLength, packet.Metadata.LinkType, packet.Metadata.Timestamp));
            }
        }
        catch (CaptureFileException)
        {
            // One of our own captures ends inside a packet.
        }

        return packets;
    }
}
