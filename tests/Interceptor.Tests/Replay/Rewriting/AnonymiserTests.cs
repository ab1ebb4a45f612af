using Interceptor.Packets;
using Interceptor.Replay.Rewriting;
using Interceptor.Tests.Packets;

namespace Interceptor.Tests.Replay.Rewriting;

public sealed class AnonymiserTests
{
    private static readonly byte[] SampleKey =
        [21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16, 216, 152, 143, 131, 121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2];

    /// <summary>Pairs of the sample trace that comes with Crypto-PAn 1.0.</summary>
    [Theory]
    [InlineData("128.11.68.132", "135.242.180.132")]
    [InlineData("129.118.74.4", "134.136.186.123")]
    [InlineData("130.132.252.244", "133.68.164.234")]
    [InlineData("141.223.7.43", "141.167.8.160")]
    [InlineData("141.233.145.108", "141.129.237.235")]
    [InlineData("152.163.225.39", "151.140.114.167")]
    public void Where_nothing_is_kept_it_is_Crypto_PAn(string address, string expected)
    {
        using var anonymiser = new AddressAnonymiser(SampleKey, [], []);
        Assert.Equal(expected, anonymiser.Map(Sample.Address(address)).ToString());
    }

    [Fact]
    public void Two_addresses_keep_exactly_the_length_of_their_common_prefix()
    {
        using var anonymiser = new AddressAnonymiser(AnonymisationKey.From("key", [Prefix("203.0.113.0/24"), Prefix("2001:db8:7::/48")]));
        foreach (int version in (int[])[4, 6])
        {
            IpAddress[] addresses = [.. Addresses(version)];
            IpAddress[] mapped = [.. addresses.Select(address => anonymiser.Map(address))];
            for (int i = 0; i < addresses.Length; i++)
            {
                for (int j = i + 1; j < addresses.Length; j++)
                {
                    Assert.True(Common(addresses[i], addresses[j]) == Common(mapped[i], mapped[j]), $"{addresses[i]} {addresses[j]} became {mapped[i]} {mapped[j]}");
                }
            }
        }
    }

    [Fact]
    public void The_same_key_gives_the_same_addresses_and_another_gives_others()
    {
        using var one = new AddressAnonymiser(AnonymisationKey.From("key"));
        using var same = new AddressAnonymiser(AnonymisationKey.From("key"));
        using var other = new AddressAnonymiser(AnonymisationKey.From("kez"));
        IpAddress[] addresses = [.. Addresses(4), .. Addresses(6)];
        Assert.All(addresses.Reverse(), address => same.Map(address));
        Assert.All(addresses, address => Assert.Equal(one.Map(address), same.Map(address)));
        Assert.True(addresses.Count(address => one.Map(address) != other.Map(address)) > addresses.Length / 2);
        Assert.True(addresses.Count(address => one.Map(address) != address) > addresses.Length / 2);
    }

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("127.0.0.1")]
    [InlineData("224.0.0.251")]
    [InlineData("239.255.255.250")]
    [InlineData("255.255.255.255")]
    [InlineData("203.0.113.7")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("ff02::1")]
    [InlineData("ff02::fb")]
    public void Special_and_named_addresses_stay(string address)
    {
        using var anonymiser = new AddressAnonymiser(AnonymisationKey.From("key", [Prefix("203.0.113.0/24")]));
        Assert.Equal(address, anonymiser.Map(Sample.Address(address)).ToString());
    }

    [Fact]
    public void Of_link_local_addresses_the_prefix_stays_and_the_rest_does_not()
    {
        using var anonymiser = new AddressAnonymiser(AnonymisationKey.From("key"));
        Check("169.254.7.9", 16);
        Check("fe80::1ff:fe23:4567:890a", 64);
        Check("ff02::1:ff12:3456", 104);
        void Check(string text, int bits)
        {
            IpAddress address = Sample.Address(text);
            IpAddress mapped = anonymiser.Map(address);
            Assert.NotEqual(address, mapped);
            Assert.True(Common(address, mapped) >= bits, $"{address} became {mapped}");
        }
    }

    [Fact]
    public void An_embedded_IPv4_address_becomes_what_it_becomes_alone()
    {
        using var anonymiser = new AddressAnonymiser(AnonymisationKey.From("key"));
        IpAddress alone = anonymiser.Map(Sample.Address("198.51.100.7"));
        Assert.Equal($"::ffff:{alone}", anonymiser.Map(Sample.Address("::ffff:198.51.100.7")).ToString());
        Assert.Equal((uint)alone.Bits, (uint)anonymiser.Map(Sample.Address("64:ff9b::198.51.100.7")).Bits);
    }

    [Fact]
    public void Ethernet_addresses_become_others_one_for_one_and_groups_stay()
    {
        AnonymisationKey key = AnonymisationKey.From("key");
        using var addresses = new AddressAnonymiser(key);
        using var anonymiser = new MacAnonymiser(key, addresses);
        var random = new Random(1);
        MacAddress[] macs = [.. Enumerable.Range(0, 20_000).Select(i => MacAddress.FromBits(i < 10_000 ? (ulong)i : (ulong)random.NextInt64(1L << 48)))];
        var seen = new HashSet<MacAddress>();
        foreach (MacAddress mac in macs.Distinct())
        {
            MacAddress mapped = anonymiser.Map(mac);
            Assert.True(seen.Add(mapped), $"{mac} became {mapped}, as another did");
            Assert.Equal(mac.Bits & 0x0300_0000_0000, mapped.Bits & 0x0300_0000_0000);
            Assert.Equal(mac.IsMulticast || mac.Bits == 0, mac == mapped);
        }
    }

    [Fact]
    public void The_group_of_a_solicited_node_is_the_same_in_both_headers()
    {
        AnonymisationKey key = AnonymisationKey.From("key");
        using var addresses = new AddressAnonymiser(key);
        using var anonymiser = new MacAnonymiser(key, addresses);
        Assert.Equal((uint)addresses.Map(Sample.Address("ff02::1:ff12:3456")).Bits, (uint)anonymiser.Map(MacAddress.FromBits(0x3333FF123456)).Bits);
    }

    private static IpNetwork Prefix(string text) => IpNetwork.TryParse(text, out IpNetwork prefix) ? prefix : throw new FormatException(text);

    private static int Common(IpAddress one, IpAddress other) => (int)UInt128.LeadingZeroCount(one.Bits ^ other.Bits) - (128 - (one.Length * 8));

    /// <summary>Random ones, with neighbours that share a prefix of every length, and the special networks with theirs.</summary>
    private static IEnumerable<IpAddress> Addresses(int version)
    {
        var random = new Random(version);
        int width = version == 4 ? 32 : 128;
        byte[] bytes = new byte[width / 8];
        string[] known = version == 4
            ? ["0.0.0.0", "10.0.0.1", "127.0.0.1", "169.254.1.1", "172.16.0.1", "192.168.1.1", "198.51.100.7", "203.0.113.7", "224.0.0.1", "255.255.255.255"]
            : ["::", "::1", "fe80::1", "2001:db8::1", "2001:db8:7::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::1.2.3.4", "fd00::1", "::1.2.3.4"];
        foreach (string text in known)
        {
            IpAddress address = Sample.Address(text);
            yield return address;
            for (int bit = 0; bit < width; bit += 1 + (width / 64))
            {
                address.CopyTo(bytes);
                bytes[bit / 8] ^= (byte)(0x80 >> (bit % 8));

                yield return IpAddress.FromBytes(bytes);
            }
        }

        for (int i = 0; i < 100; i++)
        {
            random.NextBytes(bytes);
            yield return IpAddress.FromBytes(bytes);
        }
    }
}
