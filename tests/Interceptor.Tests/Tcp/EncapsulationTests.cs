using System.Buffers.Binary;
using System.Security.Cryptography;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Tests.Tcp;

/// <summary>The same short connection in every wrapping: both ends, their numbers and the stream come out the same.</summary>
public sealed class EncapsulationTests
{
    private const int TextLength = 1200;

    private static readonly IpAddress ClientV4 = IpAddress.FromIpv4(0xC0000201);
    private static readonly IpAddress ServerV4 = IpAddress.FromIpv4(0xC0000202);
    private static readonly IpAddress OuterClient = IpAddress.FromIpv4(0xC6336401);
    private static readonly IpAddress OuterServer = IpAddress.FromIpv4(0xC6336402);
    private static readonly byte[] Text = [.. Enumerable.Range(0, TextLength).Select(i => (byte)((i * 7) + (i >> 8)))];

    public static TheoryData<string> Wrappings => ["plain", "vlan", "qinq", "ip-in-ip", "ip6-in-ip", "gre", "gre-ethernet", "vxlan", "vxlan-vlan", "fragments", "fragments6", "fragments in gre", "gre in fragments"];

    [Theory]
    [MemberData(nameof(Wrappings))]
    public void A_connection_is_the_same_in_each_wrapping(string wrapping)
    {
        var tracker = new TcpTracker();
        long number = 0;
        bool isV6 = wrapping is "ip6-in-ip" or "fragments6";
        foreach ((bool fromClient, byte[] datagram) in Conversation(isV6))
        {
            foreach (byte[] frame in Wrap(wrapping, datagram, fromClient))
            {
                number++;
                tracker.Process(PacketView.Parse(frame, LinkType.Ethernet, frame.Length), new CaptureTimestamp(number * 1_000_000), number);
            }
        }

        tracker.Finish();
        TcpConnection connection = Assert.Single(tracker.Connections);
        TcpEndpoint client = connection.Client;
        Assert.Equal(40_000, client.Address.Port);
        Assert.Equal((TcpState.FinWait2, TcpState.CloseWait), (client.State, client.Peer.State));
        Assert.Equal(6, connection.Packets);
        Assert.Equal(TextLength, client.Stream.StreamBytes);
        Assert.Equal(SHA256.HashData(Text), client.Stream.Sha256);
        Assert.Equal(TextLength + 2, client.Send.SndUna - client.Send.Iss!.Value);
        Assert.Equal(SnapshotConfidence.Exact, client.Confidence);
    }

    private static IEnumerable<(bool FromClient, byte[] Datagram)> Conversation(bool isV6)
    {
        // Both numbers cross 2^32.
        var iss = new SequenceNumber(0xFFFF_FF00);
        var irs = new SequenceNumber(0xFFFF_FFFF);
        yield return (true, Datagram(isV6, true, iss, default, TcpFlags.Syn, []));
        yield return (false, Datagram(isV6, false, irs, iss + 1, TcpFlags.Syn | TcpFlags.Ack, []));
        yield return (true, Datagram(isV6, true, iss + 1, irs + 1, TcpFlags.Ack, []));
        yield return (true, Datagram(isV6, true, iss + 1, irs + 1, TcpFlags.Ack | TcpFlags.Psh, Text));
        yield return (true, Datagram(isV6, true, iss + 1 + TextLength, irs + 1, TcpFlags.Ack | TcpFlags.Fin, []));
        yield return (false, Datagram(isV6, false, irs + 1, iss + 2 + TextLength, TcpFlags.Ack, []));
    }

    private static byte[] Datagram(bool isV6, bool fromClient, SequenceNumber sequence, SequenceNumber acknowledgment, TcpFlags flags, byte[] text)
    {
        (ushort source, ushort destination) = fromClient ? ((ushort)40_000, (ushort)80) : ((ushort)80, (ushort)40_000);
        return Internet(new PacketBuilder(), isV6, fromClient).Tcp(source, destination, sequence, acknowledgment, flags).Payload(text).ToArray();
    }

    private static PacketBuilder Internet(PacketBuilder builder, bool isV6, bool fromClient)
    {
        if (!isV6)
        {
            return fromClient ? builder.Ipv4(ClientV4, ServerV4) : builder.Ipv4(ServerV4, ClientV4);
        }

        Assert.True(IpAddress.TryParse("2001:db8::1", out IpAddress client));
        Assert.True(IpAddress.TryParse("2001:db8::2", out IpAddress server));
        return fromClient ? builder.Ipv6(client, server) : builder.Ipv6(server, client);
    }

    private static IEnumerable<byte[]> Wrap(string wrapping, byte[] datagram, bool fromClient) => wrapping switch
    {
        "plain" => [Frame([], datagram[0] >> 4 == 6 ? (ushort)0x86DD : (ushort)0x0800, datagram)],
        "vlan" => [Frame([0x8100, 5], 0x0800, datagram)],
        "qinq" => [Frame([0x88A8, 7, 0x8100, 5], 0x0800, datagram)],
        "ip-in-ip" => [Frame([], 0x0800, Outer(fromClient, 4, datagram))],
        "ip6-in-ip" => [Frame([], 0x0800, Outer(fromClient, 41, datagram))],
        "gre" => [Frame([], 0x0800, Outer(fromClient, 47, [0, 0, 0x08, 0x00, .. datagram]))],
        "gre-ethernet" => [Frame([], 0x0800, Outer(fromClient, 47, [0x20, 0, 0x65, 0x58, 0, 0, 0, 9, .. Frame([], 0x0800, datagram)]))],
        "vxlan" => [Frame([], 0x0800, Vxlan(fromClient, Frame([], 0x0800, datagram)))],
        "vxlan-vlan" => [Frame([0x8100, 5], 0x0800, Vxlan(fromClient, Frame([0x8100, 6], 0x0800, datagram)))],
        "fragments" => Fragments(datagram).Select(fragment => Frame([], 0x0800, fragment)),
        "fragments6" => FragmentsV6(datagram).Select(fragment => Frame([], 0x86DD, fragment)),
        "fragments in gre" => Fragments(datagram).Select(fragment => Frame([], 0x0800, Outer(fromClient, 47, [0, 0, 0x08, 0x00, .. fragment]))),
        _ => Fragments(Outer(fromClient, 47, [0, 0, 0x08, 0x00, .. datagram])).Select(fragment => Frame([], 0x0800, fragment)),
    };

    private static byte[] Frame(ushort[] tags, ushort type, byte[] payload)
    {
        byte[] frame = new byte[12 + (2 * tags.Length) + 2 + payload.Length];
        for (int i = 0; i < tags.Length; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12 + (2 * i)), tags[i]);
        }

        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12 + (2 * tags.Length)), type);
        payload.CopyTo(frame, frame.Length - payload.Length);
        return frame;
    }

    private static byte[] Outer(bool fromClient, byte protocol, byte[] payload) =>
        new PacketBuilder().Ipv4(fromClient ? OuterClient : OuterServer, fromClient ? OuterServer : OuterClient, protocol: protocol).Payload(payload).ToArray();

    private static byte[] Vxlan(bool fromClient, byte[] frame) =>
        new PacketBuilder().Ipv4(fromClient ? OuterClient : OuterServer, fromClient ? OuterServer : OuterClient)
            .Udp(50_000, 4789).Payload([0x08, 0, 0, 0, 0, 0, 42, 0, .. frame]).ToArray();

    // The last fragment first. A datagram that is short enough is left whole.
    private static IEnumerable<byte[]> Fragments(byte[] datagram)
    {
        const int Size = 400;
        int length = datagram.Length - Ipv4View.MinimumLength;
        for (int offset = (length - 1) / Size * Size; offset >= 0; offset -= Size)
        {
            byte[] part = [.. datagram.AsSpan(0, Ipv4View.MinimumLength), .. datagram.AsSpan(Ipv4View.MinimumLength + offset, Math.Min(Size, length - offset))];
            BinaryPrimitives.WriteUInt16BigEndian(part.AsSpan(2), (ushort)part.Length);
            BinaryPrimitives.WriteUInt16BigEndian(part.AsSpan(4), (ushort)(datagram.Length + 1));
            BinaryPrimitives.WriteUInt16BigEndian(part.AsSpan(6), (ushort)((offset / 8) | (offset + Size < length ? 0x2000 : 0)));
            yield return part;
        }
    }

    private static IEnumerable<byte[]> FragmentsV6(byte[] datagram)
    {
        const int Header = 40;
        const int Size = 400;
        int length = datagram.Length - Header;
        if (length <= Size)
        {
            yield return datagram;
            yield break;
        }

        for (int offset = 0; offset < length; offset += Size)
        {
            int take = Math.Min(Size, length - offset);
            byte[] extension = [datagram[6], 0, 0, 0, 0, 0, 0, 77];
            BinaryPrimitives.WriteUInt16BigEndian(extension.AsSpan(2), (ushort)(offset | (offset + take < length ? 1 : 0)));
            byte[] part = [.. datagram.AsSpan(0, Header), .. extension, .. datagram.AsSpan(Header + offset, take)];
            part[6] = 44;
            BinaryPrimitives.WriteUInt16BigEndian(part.AsSpan(4), (ushort)(8 + take));
            yield return part;
        }
    }
}
