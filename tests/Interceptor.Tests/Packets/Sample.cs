using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Interceptor.Packets;

namespace Interceptor.Tests.Packets;

/// <summary>Addresses and packets that the tests of this folder share.</summary>
internal static class Sample
{
    internal static readonly MacAddress ClientMac = MacAddress.FromBits(0x020000000001);
    internal static readonly MacAddress ServerMac = MacAddress.FromBits(0x020000000002);
    internal static readonly IpAddress Client4 = Address("192.0.2.1");
    internal static readonly IpAddress Server4 = Address("192.0.2.2");
    internal static readonly IpAddress Client6 = Address("2001:db8::1");
    internal static readonly IpAddress Server6 = Address("2001:db8::2");

    internal static readonly LinkType[] LinkTypes =
    [
        LinkType.Null, LinkType.Ethernet, LinkType.RawBsd, LinkType.RawOpenBsd, LinkType.Raw, LinkType.Loop, LinkType.LinuxCooked, LinkType.Ipv4,
        LinkType.Ipv6, LinkType.LinuxCooked2, (LinkType)147,
    ];

    internal static IpAddress Address(string text) => IpAddress.TryParse(text, out IpAddress address) ? address : throw new FormatException(text);

    internal static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));

    internal static Arbitrary<Segment> Segments(int version) => (
        from numbers in Gen.ArrayOf(Gen.Choose(0, 65535), 9)
        from addresses in Gen.ArrayOf(Gen.Choose(0, 255).Select(value => (byte)value), 32)
        from length in Gen.Choose(0, 300)
        from payload in Gen.ArrayOf(Gen.Choose(0, 255).Select(value => (byte)value), length)
        select new Segment(numbers, addresses, payload, version)).ToArbitrary();

    /// <summary>A random TCP segment; its text is what a failing property prints.</summary>
    internal sealed class Segment(int[] numbers, byte[] addresses, byte[] payload, int version)
    {
        internal ushort SourcePort => (ushort)numbers[0];

        internal ushort DestinationPort => (ushort)numbers[1];

        internal SequenceNumber Sequence => new(((uint)numbers[2] << 16) | (uint)numbers[3]);

        internal SequenceNumber Acknowledgment => new(((uint)numbers[4] << 16) | (uint)numbers[5]);

        internal TcpFlags Flags => (TcpFlags)(numbers[6] & 0x0FFF);

        internal ushort Window => (ushort)numbers[7];

        internal uint TimestampValue => (uint)numbers[8] * 65521u;

        internal byte[] Payload => payload;

        internal PacketBuilder Build(int ipVersion)
        {
            var builder = new PacketBuilder();
            _ = ipVersion == 4
                ? builder.Ipv4(IpAddress.FromBytes(addresses.AsSpan(0, 4)), IpAddress.FromBytes(addresses.AsSpan(4, 4)))
                : builder.Ipv6(IpAddress.FromBytes(addresses.AsSpan(0, 16)), IpAddress.FromBytes(addresses.AsSpan(16, 16)));
            return builder.Tcp(SourcePort, DestinationPort, Sequence, Acknowledgment, Flags, Window)
                .NoOperation().NoOperation().Timestamps(TimestampValue, 3).Payload(payload);
        }

        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture, $"IPv{version} packet {Convert.ToHexStringLower(Build(version).ToArray())}");
    }
}
