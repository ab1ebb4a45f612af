using System.Net;
using Interceptor.Packets;
using Interceptor.Testing;

namespace Interceptor.Tests.Packets;

public class ValueTests
{
    [Theory]
    [InlineData(0xFFFFFFFFu, 0u, 1)]
    [InlineData(0xFFFFFFF0u, 0x10u, 32)]
    [InlineData(0u, 0xFFFFFFFFu, -1)]
    [InlineData(5u, 5u, 0)]
    [InlineData(0u, 0x7FFFFFFFu, int.MaxValue)]
    [InlineData(0u, 0x80000000u, int.MinValue)]
    public void The_distance_across_the_wrap_is_exact(uint from, uint to, int distance)
    {
        Assert.Equal(distance, new SequenceNumber(to) - new SequenceNumber(from));
        Assert.Equal(new SequenceNumber(to), new SequenceNumber(from) + distance);
        Assert.Equal(new SequenceNumber(from), new SequenceNumber(to) - distance);
    }

    [Fact]
    public void Order_on_the_circle_follows_the_distance()
    {
        PropertyCheck.ForAllBytes(
            bytes =>
            {
                if (bytes.Length < 8)
                {
                    return;
                }

                var left = new SequenceNumber(BitConverter.ToUInt32(bytes, 0));
                var right = new SequenceNumber(BitConverter.ToUInt32(bytes, 4));
                int distance = left - right;
                Assert.Equal((distance < 0, distance > 0, distance <= 0, distance >= 0), ((left < right), (left > right), (left <= right), (left >= right)));
                Assert.Equal(distance >= 0 ? left : right, SequenceNumber.Max(left, right));
                Assert.Equal(unchecked(left.Value - right.Value) < 1000, left.IsWithin(right, 1000));
                Assert.Equal(5_000_000_000L + distance, (new SequenceNumber(unchecked((uint)5_000_000_000L)) + distance).Unwrap(default, 5_000_000_000L));
            },
            maximumLength: 12);
    }

    [Theory]
    [InlineData(0, "0.000000000")]
    [InlineData(1, "0.000000001")]
    [InlineData(-1, "-0.000000001")]
    [InlineData(1_700_000_000_000_000_001, "1700000000.000000001")]
    [InlineData(long.MaxValue, "9223372036.854775807")]
    [InlineData(long.MinValue, "-9223372036.854775808")]
    public void Timestamps_keep_every_nanosecond(long nanoseconds, string text)
    {
        Assert.Equal(text, new CaptureTimestamp(nanoseconds).ToString());
    }

    [Theory]
    [InlineData("192.0.2.1", 80, "192.0.2.1:80")]
    [InlineData("255.255.255.255", 65535, "255.255.255.255:65535")]
    [InlineData("2001:db8::1", 0, "[2001:db8::1]:0")]
    [InlineData("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")]
    [InlineData("64:ff9b::255.255.255.255", 65535, "[64:ff9b::ffff:ffff]:65535")]
    public void An_endpoint_is_written_into_any_room_that_is_large_enough(string address, ushort port, string text)
    {
        Assert.True(IpAddress.TryParse(address, out IpAddress parsed));
        var endpoint = new FlowEndpoint(parsed, port);
        Assert.Equal(text, endpoint.ToString());
        Assert.Equal(text, $"{endpoint}");
        Assert.InRange(text.Length, 1, FlowEndpoint.MaximumTextLength);
        for (int room = 0; room <= text.Length + 1; room++)
        {
            char[] buffer = new char[room];
            Assert.Equal((room, room >= text.Length), (room, endpoint.TryFormat(buffer, out int written)));
            Assert.Equal(room >= text.Length ? text : "", new string(buffer, 0, written));
        }
    }

    [Fact]
    public void Timestamps_saturate_and_compare()
    {
        Assert.Equal(long.MaxValue, CaptureTimestamp.FromSeconds(long.MaxValue, 0).Nanoseconds);
        Assert.Equal(long.MinValue, CaptureTimestamp.FromSeconds(long.MinValue, -1).Nanoseconds);
        var early = CaptureTimestamp.FromSeconds(5, 999_999_999);
        CaptureTimestamp late = early + 1;
        Assert.Equal((1L, 6_000_000_000L), (late - early, late.Nanoseconds));
        Assert.True(early < late && late > early && early <= late && late >= early && early.CompareTo(late) < 0);
    }

    [Fact]
    public void Both_directions_of_a_flow_have_one_canonical_key()
    {
        PropertyCheck.ForAll(Sample.Segments(4), segment =>
        {
            Assert.True(PacketView.Parse(segment.Build(4).ToArray(), LinkType.Raw).TryGetFlow(out FlowKey flow));
            FlowKey there = flow.Canonical(out bool swapped);
            FlowKey back = flow.Reversed.Canonical(out bool swappedBack);
            Assert.Equal(there, back);
            Assert.Equal(there.GetHashCode(), back.GetHashCode());
            Assert.True(swapped != swappedBack || flow == flow.Reversed);
        });
    }

    [Theory]
    [InlineData("192.0.2.1:80")]
    [InlineData("[2001:db8::1]:65535")]
    [InlineData("[::ffff:192.0.2.1]:0")]
    public void Endpoints_are_parsed_as_they_are_printed(string text)
    {
        Assert.True(FlowEndpoint.TryParse(text, out FlowEndpoint endpoint));
        Assert.Equal(text, endpoint.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData(":80")]
    [InlineData("192.0.2.1")]
    [InlineData("192.0.2.1:65536")]
    [InlineData("192.0.2.1:-1")]
    [InlineData("2001:db8::1:80")]
    [InlineData("[2001:db8::1:80")]
    public void What_is_no_endpoint_is_refused(string text)
    {
        Assert.False(FlowEndpoint.TryParse(text, out _));
    }

    [Theory]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("1::")]
    [InlineData("2001:db8::1:0:0:1")]
    [InlineData("2001:0:0:1::1")]
    [InlineData("1:2:3:4:5:6:7:8")]
    [InlineData("1:0:3:4:5:6:7:8")]
    [InlineData("::ffff:192.0.2.1")]
    [InlineData("::192.0.2.1")]
    [InlineData("ff02::fb")]
    [InlineData("0.0.0.0")]
    [InlineData("255.255.255.255")]
    public void Addresses_are_printed_as_rfc_5952_says(string text)
    {
        Assert.Equal(text, Sample.Address(text).ToString());
    }

    [Fact]
    public void Any_address_is_parsed_back_from_its_text_and_a_short_buffer_is_refused()
    {
        PropertyCheck.ForAllBytes(
            bytes =>
            {
                if (bytes.Length < 17)
                {
                    return;
                }

                // Zero groups are what makes the text interesting.
                for (int i = 0; i < 8; i++)
                {
                    if ((bytes[16] & (1 << i)) != 0)
                    {
                        bytes[2 * i] = bytes[(2 * i) + 1] = 0;
                    }
                }

                IpAddress six = IpAddress.FromIpv6(bytes.AsSpan(0, 16));
                IpAddress four = IpAddress.FromBytes(bytes.AsSpan(0, 4));
                Assert.Equal(six, Sample.Address(six.ToString()));
                Assert.Equal(four, Sample.Address(four.ToString()));
                Assert.Equal(new IPAddress(bytes.AsSpan(0, 4)).ToString(), four.ToString());
                string text = six.ToString();
                for (int length = 0; length < text.Length; length++)
                {
                    Assert.False(six.TryFormat(new char[length], out _));
                }
            },
            maximumLength: 40);
    }

    [Fact]
    public void The_families_never_compare_equal()
    {
        Assert.NotEqual(Sample.Address("::ffff:192.0.2.1"), Sample.Client4);
        Assert.NotEqual(Sample.Address("0.0.0.0"), Sample.Address("::"));
        Assert.NotEqual(default, Sample.Address("0.0.0.0"));
        Assert.Equal("none", default(IpAddress).ToString());
    }

    [Theory]
    [InlineData("02:00:00:00:00:01", true)]
    [InlineData("02-00-00-00-00-01", true)]
    [InlineData("02:00:00:00:00:0g", false)]
    [InlineData("02:00:00:00:00", false)]
    [InlineData("02.00.00.00.00.01", false)]
    public void Ethernet_addresses_are_parsed(string text, bool isAddress)
    {
        Assert.Equal(isAddress, MacAddress.TryParse(text, out MacAddress address));
        Assert.Equal(isAddress ? Sample.ClientMac : default, address);
        Assert.Equal("02:00:00:00:00:01", Sample.ClientMac.ToString());
        Assert.True(MacAddress.Broadcast.IsMulticast);
    }
}
