using System.Globalization;

namespace Interceptor.Packets;

/// <summary>A network: the first bits of an IPv4 or IPv6 address. The bits behind them are zero.</summary>
public readonly record struct AddressPrefix
{
    private AddressPrefix(IpAddress address, int length)
    {
        Address = address;
        Length = length;
    }

    /// <summary>The first address of the network.</summary>
    public IpAddress Address { get; }

    /// <summary>Bits that count: 0 to 32 or 128.</summary>
    public int Length { get; }

    /// <summary>The network that an address is in.</summary>
    public static AddressPrefix Of(IpAddress address, int length)
    {
        int width = address.Length * 8;
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)width, nameof(length));
        UInt128 bits = address.Bits & Mask(length, width);
        return new(address.IsIpv4 ? IpAddress.FromIpv4((uint)bits) : FromIpv6(bits), length);
    }

    /// <summary>Parses <c>192.0.2.0/24</c>, <c>2001:db8::/32</c>, or an address alone, which is a network of one.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out AddressPrefix prefix)
    {
        prefix = default;
        int slash = text.IndexOf('/');
        if (!IpAddress.TryParse(slash < 0 ? text : text[..slash], out IpAddress address))
        {
            return false;
        }

        int width = address.Length * 8;
        int length = width;
        if (slash >= 0 && (!int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out length) || length > width))
        {
            return false;
        }

        prefix = Of(address, length);
        return true;
    }

    /// <summary>True if the address is of the family and in the network.</summary>
    public bool Contains(in IpAddress address) =>
        address.Version == Address.Version && (address.Bits & Mask(Length, address.Length * 8)) == Address.Bits;

    /// <summary>The address with this network's bits in front and its own behind them.</summary>
    public IpAddress Replace(in IpAddress address)
    {
        int width = address.Length * 8;
        UInt128 bits = Address.Bits | (address.Bits & ~Mask(Length, width) & Mask(width, width));
        return address.IsIpv4 ? IpAddress.FromIpv4((uint)bits) : FromIpv6(bits);
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Address}/{Length}");

    private static UInt128 Mask(int length, int width) => length == 0 ? 0 : (UInt128.MaxValue << (128 - length)) >> (128 - width);

    private static IpAddress FromIpv6(UInt128 bits)
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, bits);
        return IpAddress.FromIpv6(bytes);
    }
}
