using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Checkpoint;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>A session image on disk with its held packets, which are a capture (<c>held.pcapng</c>) that other tools read, too.</summary>
public static class SessionFiles
{
    /// <summary>The held packets' file within an image's directory.</summary>
    public const string HeldPacketsName = "held.pcapng";

    private const string ChecksumMissingComment = "checksum not filled in";

    /// <summary>Writes the image; <see cref="SessionImageDirectory.Write"/> with the held packets.</summary>
    public static void Write(string directory, SessionImage image, SessionKey? key = null, SessionImageBase? chainedTo = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        SessionImageDirectory.Write(directory, image, FurtherFiles(image), key, chainedTo);
    }

    /// <summary>Writes the image in the place of another one; <see cref="SessionImageDirectory.Replace"/> with the held packets.</summary>
    public static void Replace(string directory, SessionImage image, SessionKey? key, Action beforeExchange)
    {
        ArgumentNullException.ThrowIfNull(image);
        SessionImageDirectory.Replace(directory, image, FurtherFiles(image), key, beforeExchange);
    }

    /// <summary>Adds the image of a connection to a set; <see cref="SessionSetWriter.Add"/> with the held packets.</summary>
    internal static void Add(SessionSetWriter writer, SessionImage image, SessionActivity activity, SessionSetMember? earlier) =>
        writer.Add(image, FurtherFiles(image), activity, earlier);

    /// <summary>Reads a member of a set with its held packets.</summary>
    /// <exception cref="CheckpointException">As <see cref="SessionSet.ReadImage"/>.</exception>
    /// <exception cref="CaptureFileException">The held packets are damaged.</exception>
    public static SessionImage Read(SessionSet set, SessionSetMember member, SessionKey? key = null)
    {
        ArgumentNullException.ThrowIfNull(set);
        SessionImage image = set.ReadImage(member, key, out IReadOnlyDictionary<string, byte[]> further);
        return WithHeld(image, further, set.PathOf(member));
    }

    /// <summary>Reads the image with its held packets.</summary>
    /// <exception cref="CheckpointException">As <see cref="SessionImageDirectory.Read"/>.</exception>
    /// <exception cref="CaptureFileException">The held packets are damaged.</exception>
    public static SessionImage Read(string directory, SessionKey? key = null)
    {
        SessionImage image = SessionImageDirectory.Read(directory, key, out IReadOnlyDictionary<string, byte[]> further);
        return WithHeld(image, further, directory);
    }

    private static SessionImage WithHeld(SessionImage image, IReadOnlyDictionary<string, byte[]> further, string directory) =>
        further.TryGetValue(HeldPacketsName, out byte[]? held) ? image with { HeldPackets = ReadHeld(held, directory) } : image;

    private static Dictionary<string, byte[]>? FurtherFiles(SessionImage image) =>
        image.HeldPackets.Count == 0 ? null : new Dictionary<string, byte[]> { [HeldPacketsName] = WriteHeld(image) };

    private static byte[] WriteHeld(SessionImage image)
    {
        using var stream = new MemoryStream();
        using var writer = new PcapNgWriter(stream, leaveOpen: true);
        int id = writer.AddInterface(new CaptureInterface(LinkType.Raw, 0, "held", $"held packets of {image.Snapshot.Local}-{image.Snapshot.Peer}"));
        foreach (HeldSessionPacket packet in image.HeldPackets)
        {
            var metadata = new PacketMetadata
            {
                Timestamp = packet.Timestamp,
                HasTimestamp = true,
                OriginalLength = packet.IpPacket.Length,
                LinkType = LinkType.Raw,
                InterfaceId = id,
            };
            writer.Write(new CapturedPacket(packet.IpPacket.Span, metadata), new PcapNgPacketOptions
            {
                Direction = packet.IsInbound ? PacketDirection.Inbound : PacketDirection.Outbound,
                Comment = packet.ChecksumMissing ? ChecksumMissingComment : null,
            });
        }

        writer.Flush();
        return stream.ToArray();
    }

    private static List<HeldSessionPacket> ReadHeld(byte[] held, string directory)
    {
        using var stream = new MemoryStream(held);
        using CaptureFileReader reader = CaptureFile.OpenRead(stream, Path.Combine(directory, HeldPacketsName));
        var packets = new List<HeldSessionPacket>();
        while (reader.TryRead(out CapturedPacket packet))
        {
            PcapNgPacketOptions options = reader.ReadPacketOptions();
            packets.Add(new HeldSessionPacket(
                options.Direction == PacketDirection.Inbound, packet.Metadata.Timestamp, options.Comment == ChecksumMissingComment, packet.Data.ToArray()));
        }

        return packets;
    }
}
