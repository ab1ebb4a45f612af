using System.Buffers.Binary;
using System.Net;

namespace Interceptor.Packets;

/// <summary>
/// An IPv4 or IPv6 address by value, without allocation. IPv4 is held in the low 32 bits; the two families never compare equal,
/// not even for a v4-mapped address, because they are different bytes on the wire.
/// </summary>
public readonly record struct IpAddress
{
    private readonly UInt128 _bits;
    private readonly byte _version;

    private IpAddress(UInt128 bits, byte version)
    {
        _bits = bits;
        _version = version;
    }

    /// <summary>4 or 6; 0 for the default value, which is no address.</summary>
    public int Version => _version;

    /// <summary>True for IPv4.</summary>
    public bool IsIpv4 => _version == 4;

    /// <summary>Bytes on the wire: 4, 16, or 0 for the default value.</summary>
    public int Length => _version switch { 4 => 4, 6 => 16, _ => 0 };

    /// <summary>The address as a number in host order.</summary>
    public UInt128 Bits => _bits;

    /// <summary>From four bytes in network order, given as the host-order number they spell.</summary>
    public static IpAddress FromIpv4(uint value) => new(value, 4);

    /// <summary>From 16 bytes in network order.</summary>
    public static IpAddress FromIpv6(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt128BigEndian(bytes), 6);

    /// <summary>From 4 or 16 bytes in network order; any other length is a caller's error.</summary>
    public static IpAddress FromBytes(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        4 => FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(bytes)),
        16 => FromIpv6(bytes),
        _ => throw new ArgumentException("An IP address has 4 or 16 bytes.", nameof(bytes)),
    };

    /// <summary>Parses the textual forms that <see cref="IPAddress"/> takes, without a scope.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IpAddress address)
    {
        address = default;
        if (!IPAddress.TryParse(text, out IPAddress? parsed))
        {
            return false;
        }

        address = FromBytes(parsed.GetAddressBytes());
        return true;
    }

    /// <summary>Writes <see cref="Length"/> bytes in network order.</summary>
    public void CopyTo(Span<byte> destination)
    {
        if (_version == 4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)_bits);
        }
        else if (_version == 6)
        {
            BinaryPrimitives.WriteUInt128BigEndian(destination, _bits);
        }
    }

    /// <summary>As the base class library's address, for sockets and text.</summary>
    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        CopyTo(bytes);
        return new IPAddress(bytes[..Math.Max(Length, 4)]);
    }

    /// <summary>The address in its usual text form (RFC 5952 for IPv6).</summary>
    public override string ToString() => _version == 0 ? "none" : ToIPAddress().ToString();
}
