using System.Buffers.Binary;
using System.Globalization;

namespace Interceptor.Packets;

/// <summary>A network of IP addresses: those that share their first bits. Two are equal if they hold the same addresses.</summary>
public readonly record struct IpNetwork
{
    private IpNetwork(IpAddress address, int prefixLength)
    {
        Address = address;
        PrefixLength = prefixLength;
    }

    /// <summary>The lowest address: the bits behind the prefix are 0.</summary>
    public IpAddress Address { get; }

    /// <summary>Bits that all addresses share: 0 to 32, or 128 for IPv6.</summary>
    public int PrefixLength { get; }

    /// <summary>True for a network of one address.</summary>
    public bool IsHost => PrefixLength == 8 * Address.Length;

    /// <summary>The network of that prefix length that an address is in; the address may have further bits.</summary>
    /// <param name="address">An IPv4 or IPv6 address.</param>
    /// <param name="prefixLength">0 to the bits of the address.</param>
    public static IpNetwork Of(IpAddress address, int prefixLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(prefixLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(prefixLength, 8 * address.Length);
        return new(WithBits(address, address.Bits & Mask(address, prefixLength)), prefixLength);
    }

    /// <summary>The network of one address.</summary>
    public static IpNetwork Of(IpAddress address) => new(address, 8 * address.Length);

    /// <summary>
    /// Parses <c>192.0.2.0/24</c>, <c>2001:db8::/32</c> or an address, which is the network of itself; bits behind the prefix are taken off. An IPv4 address has all
    /// four numbers: that 10.1 can mean 10.0.0.1 would surprise who means 10.1.0.0.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IpNetwork network)
    {
        network = default;
        int slash = text.IndexOf('/');
        ReadOnlySpan<char> host = slash < 0 ? text : text[..slash];
        if (!IpAddress.TryParse(host, out IpAddress address) || (address.IsIpv4 && host.Count('.') != 3))
        {
            return false;
        }

        int prefixLength = 8 * address.Length;
        if (slash >= 0 && (!int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out prefixLength) || prefixLength > 8 * address.Length))
        {
            return false;
        }

        network = Of(address, prefixLength);
        return true;
    }

    /// <summary>True if the address is in it; never for an address of the other version.</summary>
    public bool Contains(in IpAddress address) =>
        address.Version == Address.Version && address.Version != 0 && (address.Bits & Mask(address, PrefixLength)) == Address.Bits;

    /// <summary>The address, of this version, with this network's bits in front and its own behind them.</summary>
    public IpAddress Replace(in IpAddress address) => WithBits(address, Address.Bits | (address.Bits & ~Mask(address, PrefixLength)));

    /// <summary><c>192.0.2.0/24</c>; a network of one address as the address.</summary>
    public override string ToString() => IsHost ? Address.ToString() : string.Create(CultureInfo.InvariantCulture, $"{Address}/{PrefixLength}");

    // A shift by all bits of the type would shift by none.
    private static UInt128 Mask(in IpAddress address, int prefixLength) =>
        prefixLength == 0 ? 0 : (UInt128.MaxValue << (128 - prefixLength)) >> (128 - (8 * address.Length));

    private static IpAddress WithBits(in IpAddress like, UInt128 bits)
    {
        if (like.IsIpv4)
        {
            return IpAddress.FromIpv4((uint)bits);
        }

        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, bits);
        return IpAddress.FromIpv6(bytes);
    }
}
