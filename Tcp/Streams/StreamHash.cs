using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Interceptor.Tcp.Streams;

/// <summary>A SHA-256 by value.</summary>
public readonly record struct StreamHash
{
    /// <summary>That of no bytes.</summary>
    public static readonly StreamHash OfNothing = new(SHA256.HashData([]));

    private readonly UInt128 _high;
    private readonly UInt128 _low;

    /// <summary>From the 32 bytes of the hash.</summary>
    public StreamHash(ReadOnlySpan<byte> bytes)
    {
        _high = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        _low = BinaryPrimitives.ReadUInt128BigEndian(bytes[16..]);
    }

    /// <summary>The hash in hexadecimal digits, lower case.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[32];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, _high);
        BinaryPrimitives.WriteUInt128BigEndian(bytes[16..], _low);
        return Convert.ToHexStringLower(bytes);
    }
}
