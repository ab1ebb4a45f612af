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
    public static void Write(string directory, SessionImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        SessionImageDirectory.Write(directory, image, image.HeldPackets.Count == 0 ? null : path => WriteHeld(Path.Combine(path, HeldPacketsName), image));
    }

    /// <summary>Reads the image with its held packets.</summary>
    /// <exception cref="CheckpointException">As <see cref="SessionImageDirectory.Read"/>.</exception>
    /// <exception cref="CaptureFileException">The held packets are damaged.</exception>
    public static SessionImage Read(string directory)
    {
        SessionImage image = SessionImageDirectory.Read(directory);
        string held = Path.Combine(directory, HeldPacketsName);
        return File.Exists(held) ? image with { HeldPackets = ReadHeld(held) } : image;
    }

    private static void WriteHeld(string path, SessionImage image)
    {
        using FileStream stream = File.Create(path);
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
    }

    private static List<HeldSessionPacket> ReadHeld(string path)
    {
        using CaptureFileReader reader = CaptureFile.OpenRead(path);
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
