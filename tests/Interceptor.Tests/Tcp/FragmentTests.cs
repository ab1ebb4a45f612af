using System.Buffers.Binary;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Testing;

namespace Interceptor.Tests.Tcp;

public sealed class FragmentTests
{
    private const ushort MoreFragments = 0x2000;

    [Fact]
    public void A_segment_in_fragments_counts_once_when_it_is_whole()
    {
        byte[] payload = TcpPayload(text: 100);
        var tracker = new TcpTracker();
        Assert.Null(Show(tracker, Datagram(7, 0, MoreFragments, payload.AsSpan(0, 40)), 1));
        Assert.Null(Show(tracker, Datagram(7, 80, 0, payload.AsSpan(80)), 2));
        TcpConnection? connection = Show(tracker, Datagram(7, 40, MoreFragments, payload.AsSpan(40, 40)), 3);
        Assert.NotNull(connection);
        Assert.Equal(1, connection.Packets);
        Assert.Equal(100, connection.First.Stream.StreamBytes);
        Assert.Equal(System.Security.Cryptography.SHA256.HashData(payload.AsSpan(20)), Finished(tracker));
    }

    [Fact]
    public void Fragments_of_different_datagrams_are_not_mixed()
    {
        byte[] payload = TcpPayload(text: 60);
        var tracker = new TcpTracker();
        Assert.Null(Show(tracker, Datagram(7, 0, MoreFragments, payload.AsSpan(0, 40)), 1));
        Assert.Null(Show(tracker, Datagram(8, 40, 0, payload.AsSpan(40)), 2));
        Assert.Empty(tracker.Connections);
    }

    [Fact]
    public void The_first_bytes_of_overlapping_fragments_win()
    {
        byte[] payload = TcpPayload(text: 60);
        byte[] forged = [.. Enumerable.Repeat((byte)'!', 40)];
        var tracker = new TcpTracker();
        Show(tracker, Datagram(7, 0, MoreFragments, payload.AsSpan(0, 64)), 1);
        Show(tracker, Datagram(7, 40, 0, forged), 2);
        byte[] expected = [.. payload.AsSpan(20, 44), .. forged.AsSpan(24)];
        Assert.Equal(System.Security.Cryptography.SHA256.HashData(expected), Finished(tracker));
    }

    [Fact]
    public void Fragments_that_wait_too_long_are_forgotten_and_their_number_is_bounded()
    {
        var reassembler = new FragmentReassembler();
        byte[] payload = TcpPayload(text: 60);
        for (int id = 0; id < 1000; id++)
        {
            Assert.False(Add(reassembler, Datagram((ushort)id, 0, MoreFragments, payload.AsSpan(0, 40)), id));
        }

        Assert.Equal(FragmentReassembler.MaximumDatagrams, reassembler.Pending);
        Assert.False(Add(reassembler, Datagram(999, 40, 0, payload.AsSpan(40)), 1000 + FragmentReassembler.Lifetime));
        Assert.True(Add(reassembler, Datagram(998, 0, 0, payload), 1000));
    }

    [Fact]
    public void Any_bytes_of_any_link_type_are_followed_without_an_exception() => PropertyCheck.ForAllBytes(bytes =>
    {
        var tracker = new TcpTracker();
        foreach (int link in (int[])[0, 1, 10, 101, 104, 105, 113, 127, 129, 228, 229, 239, 242, 276])
        {
            tracker.Process(PacketView.Parse(bytes, (LinkType)link, bytes.Length), new CaptureTimestamp(1), 1);
        }

        // The same behind each tunnel's door.
        foreach (ushort type in (ushort[])[0x8847, 0x8864, 0x0800])
        {
            byte[] frame = new byte[14 + bytes.Length];
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), type);
            bytes.CopyTo(frame, 14);
            tracker.Process(PacketView.Parse(frame, LinkType.Ethernet, frame.Length), new CaptureTimestamp(1), 1);
        }

        foreach (ushort port in (ushort[])[4789, 6081, 2152])
        {
            byte[] udp = new byte[8 + bytes.Length];
            BinaryPrimitives.WriteUInt16BigEndian(udp.AsSpan(2), port);
            bytes.CopyTo(udp, 8);
            tracker.Process(PacketView.Parse(Datagram(1, 0, 0, udp, protocol: 17), LinkType.Ipv4, 20 + udp.Length), new CaptureTimestamp(1), 1);
        }

        tracker.Process(PacketView.Parse(Datagram(1, 0, 0, bytes, protocol: 47), LinkType.Ipv4, 20 + bytes.Length), new CaptureTimestamp(1), 1);
        tracker.Finish();
    });

    [Fact]
    public void Damaged_captures_are_followed_as_far_as_they_can_be_read()
    {
        string folder = Path.Combine(ProjectPaths.RequireSharedCaptures(), "bad");
        long segments = 0;
        foreach (string path in Directory.EnumerateFiles(folder))
        {
            var tracker = new TcpTracker();
            try
            {
                using CaptureFileReader reader = CaptureFile.OpenRead(path);
                while (reader.TryRead(out CapturedPacket packet))
                {
                    PacketView view = packet.Parse();
                    tracker.Process(in view, packet.Metadata.Timestamp, packet.Metadata.Number);
                }
            }
            catch (CaptureFileException)
            {
                // Damage is what these files are for.
            }

            tracker.Finish();
            segments += tracker.Segments;
            Assert.All(tracker.Connections, connection => Assert.True(connection.First.Stream.StreamBytes <= connection.First.Counters.PayloadBytes));
        }

        Assert.True(segments > 0);
    }

    private static byte[]? Finished(TcpTracker tracker)
    {
        tracker.Finish();
        return tracker.Connections[0].First.Stream.Sha256;
    }

    private static bool Add(FragmentReassembler reassembler, byte[] datagram, long at)
    {
        PacketView view = PacketView.Parse(datagram, LinkType.Ipv4, datagram.Length);
        return reassembler.TryAdd(in view, new CaptureTimestamp(at), out _, out _);
    }

    private static TcpConnection? Show(TcpTracker tracker, byte[] datagram, long number) =>
        tracker.Process(PacketView.Parse(datagram, LinkType.Ipv4, datagram.Length), new CaptureTimestamp(number), number);

    private static byte[] TcpPayload(int text)
    {
        byte[] segment = new byte[20 + text];
        BinaryPrimitives.WriteUInt16BigEndian(segment, 1000);
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(2), 80);
        segment[12] = 0x50;
        segment[13] = 0x10;
        for (int i = 0; i < text; i++)
        {
            segment[20 + i] = (byte)i;
        }

        return segment;
    }

    private static byte[] Datagram(ushort id, int offset, ushort flags, ReadOnlySpan<byte> payload, byte protocol = 6)
    {
        byte[] datagram = new byte[20 + payload.Length];
        datagram[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(2), (ushort)datagram.Length);
        BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(4), id);
        BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(6), (ushort)(flags | (offset / 8)));
        datagram[8] = 64;
        datagram[9] = protocol;
        datagram[12] = 192;
        datagram[16] = 192;
        datagram[19] = 1;
        payload.CopyTo(datagram.AsSpan(20));
        return datagram;
    }
}
