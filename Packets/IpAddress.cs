using System.Buffers.Binary;
using System.Globalization;
using System.Net;

namespace Interceptor.Packets;

/// <summary>
/// An IPv4 or IPv6 address by value, without allocation. IPv4 is held in the low 32 bits; the two families never compare equal,
/// not even for a v4-mapped address, because they are different bytes on the wire.
/// </summary>
public readonly record struct IpAddress
{
    // Two halves, for a UInt128 is aligned to 16 bytes and would make the address a third larger: every connection keeps several.
    private readonly ulong _high;
    private readonly ulong _low;
    private readonly byte _version;

    private IpAddress(UInt128 bits, byte version)
    {
        _high = (ulong)(bits >> 64);
        _low = (ulong)bits;
        _version = version;
    }

    /// <summary>Characters of the longest text form.</summary>
    public const int MaximumTextLength = 46;

    /// <summary>4 or 6; 0 for the default value, which is no address.</summary>
    public int Version => _version;

    /// <summary>True for IPv4.</summary>
    public bool IsIpv4 => _version == 4;

    /// <summary>Bytes on the wire: 4, 16, or 0 for the default value.</summary>
    public int Length => _version switch { 4 => 4, 6 => 16, _ => 0 };

    /// <summary>The address as a number in host order.</summary>
    public UInt128 Bits => new(_high, _low);

    /// <summary>The IPv4 address that a v4-mapped one (::ffff:0:0/96) stands for, as sockets show it; any other address as it is.</summary>
    public IpAddress Unmapped => _version == 6 && _high == 0 && _low >> 32 == 0xFFFF ? FromIpv4((uint)_low) : this;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_high, _low, _version);

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
            BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)_low);
        }
        else if (_version == 6)
        {
            BinaryPrimitives.WriteUInt128BigEndian(destination, Bits);
        }
    }

    /// <summary>As the base class library's address, for sockets and text.</summary>
    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        CopyTo(bytes);
        return new IPAddress(bytes[..Math.Max(Length, 4)]);
    }

    /// <summary>Writes the usual text form (RFC 5952 for IPv6, the low 32 bits dotted where an IPv4 address is embedded) without allocating.</summary>
    /// <param name="destination">At least <see cref="MaximumTextLength"/> characters are always enough.</param>
    /// <param name="written">Characters written.</param>
    /// <returns>False if it did not fit.</returns>
    public bool TryFormat(Span<char> destination, out int written) => _version switch
    {
        4 => TryFormatIpv4((uint)_low, destination, out written),
        6 => TryFormatIpv6(destination, out written),
        _ => TryFormatNone(destination, out written),
    };

    /// <summary>The address in its usual text form.</summary>
    public override string ToString()
    {
        Span<char> text = stackalloc char[MaximumTextLength];
        TryFormat(text, out int written);
        return new string(text[..written]);
    }

    private static bool TryFormatNone(Span<char> destination, out int written)
    {
        bool fits = "none".TryCopyTo(destination);
        written = fits ? 4 : 0;
        return fits;
    }

    // Written digit by digit: interpolation boxes its numbers where the compiler has not optimised yet.
    private static bool TryFormatIpv4(uint value, Span<char> destination, out int written)
    {
        written = 0;
        for (int shift = 24; shift >= 0; shift -= 8)
        {
            byte part = (byte)(value >> shift);
            if (!part.TryFormat(destination[written..], out int digits, default, CultureInfo.InvariantCulture))
            {
                return false;
            }

            written += digits;
            if (shift > 0 && !TryAppend('.', destination, ref written))
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryAppend(char character, Span<char> destination, ref int written)
    {
        if (written >= destination.Length)
        {
            return false;
        }

        destination[written++] = character;
        return true;
    }

    private bool TryFormatIpv6(Span<char> destination, out int written)
    {
        FindZeroRun(out int runStart, out int runLength);

        // ::a.b.c.d (but not ::1) and ::ffff:a.b.c.d.
        bool isDotted = runStart == 0 && (runLength == 6 || (runLength == 5 && Group(5) == 0xFFFF));
        int groups = isDotted ? 6 : 8;
        written = 0;
        for (int i = 0; i < groups; i++)
        {
            if (i == runStart)
            {
                if (!TryAppend(':', destination, ref written) || !TryAppend(':', destination, ref written))
                {
                    return false;
                }

                i += runLength - 1;
                continue;
            }

            bool isSeparated = i > 0 && i != runStart + runLength;
            if ((isSeparated && !TryAppend(':', destination, ref written))
                || !Group(i).TryFormat(destination[written..], out int digits, "x", CultureInfo.InvariantCulture))
            {
                return false;
            }

            written += digits;
        }

        if (!isDotted)
        {
            return true;
        }

        bool hasColon = destination[written - 1] == ':';
        if (!hasColon && !TryAppend(':', destination, ref written))
        {
            return false;
        }

        bool fits = TryFormatIpv4((uint)_low, destination[written..], out int dotted);
        written += dotted;
        return fits;
    }

    /// <summary>The first of the longest runs of at least two zero groups (RFC 5952, 4.2); start -1 if there is none.</summary>
    private void FindZeroRun(out int start, out int length)
    {
        start = -1;
        length = 1;
        int current = 0;
        for (int i = 0; i < 8; i++)
        {
            current = Group(i) == 0 ? current + 1 : 0;
            if (current > length)
            {
                length = current;
                start = i - current + 1;
            }
        }
    }

    private ushort Group(int index) => (ushort)(Bits >> (112 - (16 * index)));
}
