using System.Text;
using Interceptor.Capture.Intercept;
using Interceptor.Packets;

namespace Interceptor.Tests.Intercept.Editing;

public sealed class DatagramEditorTests
{
    [Theory]
    [InlineData("udp")]
    [InlineData("echo")]
    [InlineData("echo6")]
    public void What_a_datagram_carries_is_replaced_with_lengths_and_checksums_right(string kind)
    {
        Assert.True(TryEdit(Build(kind, "say old, or older"), out byte[] edited, "old=new one", "er=", @"\0\x01=not the numbers of an echo"));
        PacketView view = PacketView.Parse(edited, LinkType.Raw);
        Assert.Equal((kind == "echo6" ? "\0\u0001\0\u0002" : "") + "say new one, or new one", Encoding.ASCII.GetString(view.Payload));
        Assert.Equal(edited.Length, view.Innermost.PayloadOffset + view.Innermost.PayloadLength);
        Assert.Equal(ChecksumStatus.Correct, PacketChecksums.Verify(in view).Transport);
        if (view.TryGetIpv4(out Ipv4View ip))
        {
            Assert.Equal(ChecksumStatus.Correct, PacketChecksums.Verify(in view).Ipv4Header);
            Assert.True(!ip.DontFragment && ip.Identification != 0, "it can't be cut");
        }
    }

    [Fact]
    public void Without_a_match_beyond_64_KiB_and_in_a_tunnel_it_stays_as_it_is()
    {
        Assert.False(TryEdit(Build("udp", "something else"), out _, "old=new"));
        Assert.False(TryEdit(Build("udp", new string('a', 1400)), out _, $"a={new string('b', 100)}"));
        Assert.False(TryEdit(Build("tunnel", "old"), out _, "old=new"));
        Assert.False(TryEdit(Build("unreachable", "old"), out _, "old=new"));
    }

    private static bool TryEdit(byte[] packet, out byte[] edited, params string[] rules)
    {
        var editor = new DatagramEditor(new ReplacementSet([.. rules.Select(Replacement.Parse)]), new EditingScratch());
        bool isEdited = editor.TryEdit(PacketView.Parse(packet, LinkType.Raw), out ReadOnlySpan<byte> bytes, out _, out _);
        edited = bytes.ToArray();
        return isEdited;
    }

    private static byte[] Build(string kind, string text)
    {
        Span<byte> address = stackalloc byte[16];
        address[15] = 1;
        var builder = new PacketBuilder();
        if (kind == "echo6")
        {
            builder.Ipv6(IpAddress.FromIpv6(address), IpAddress.FromIpv6(address)).Icmpv6Echo(1, 2);
        }
        else
        {
            builder.Ipv4(IpAddress.FromIpv4(1), IpAddress.FromIpv4(2), dontFragment: true);
            if (kind == "tunnel")
            {
                builder.Ipv4(IpAddress.FromIpv4(3), IpAddress.FromIpv4(4));
            }

            builder = kind switch
            {
                "echo" => builder.IcmpEcho(1, 2),
                "unreachable" => builder.Icmp(3, 1),
                _ => builder.Udp(1, 2),
            };
        }

        byte[] packet = new byte[2048];
        return packet[..builder.Payload(Encoding.ASCII.GetBytes(text)).Build(packet)];
    }
}
