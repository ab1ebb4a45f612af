using System.Globalization;

namespace Interceptor.Packets;

/// <summary>A 48-bit Ethernet address by value.</summary>
public readonly record struct MacAddress
{
    /// <summary>Bytes on the wire.</summary>
    public const int Length = 6;

    private MacAddress(ulong bits) => Bits = bits;

    /// <summary>ff:ff:ff:ff:ff:ff.</summary>
    public static MacAddress Broadcast { get; } = new(0xFFFF_FFFF_FFFF);

    /// <summary>The address as a number, first byte highest.</summary>
    public ulong Bits { get; }

    /// <summary>True for group addresses, broadcast included.</summary>
    public bool IsMulticast => (Bits & 0x0100_0000_0000) != 0;

    /// <summary>From the low 48 bits of a number, first byte highest.</summary>
    public static MacAddress FromBits(ulong bits) => new(bits & 0xFFFF_FFFF_FFFF);

    /// <summary>From the first six of <paramref name="bytes"/>.</summary>
    public static MacAddress FromBytes(ReadOnlySpan<byte> bytes)
    {
        ulong bits = 0;
        foreach (byte value in bytes[..Length])
        {
            bits = (bits << 8) | value;
        }

        return new MacAddress(bits);
    }

    /// <summary>Parses six pairs of hexadecimal digits separated by colons or hyphens.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out MacAddress address)
    {
        address = default;
        if (text.Length != 17)
        {
            return false;
        }

        ulong bits = 0;
        for (int i = 0; i < 17; i += 3)
        {
            bool isSeparated = i == 15 || text[i + 2] is ':' or '-';
            if (!isSeparated || !byte.TryParse(text.Slice(i, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value))
            {
                return false;
            }

            bits = (bits << 8) | value;
        }

        address = new MacAddress(bits);
        return true;
    }

    /// <summary>Writes six bytes.</summary>
    public void CopyTo(Span<byte> destination)
    {
        for (int i = 0; i < Length; i++)
        {
            destination[i] = (byte)(Bits >> (8 * (Length - 1 - i)));
        }
    }

    /// <summary><c>02:00:00:00:00:01</c>.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{(byte)(Bits >> 40):x2}:{(byte)(Bits >> 32):x2}:{(byte)(Bits >> 24):x2}:{(byte)(Bits >> 16):x2}:{(byte)(Bits >> 8):x2}:{(byte)Bits:x2}");
}
