using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Interceptor.Tcp.Streams;

/// <summary>A SHA-256 by value.</summary>
public readonly record struct StreamHash
{
    /// <summary>Hexadecimal digits of a hash.</summary>
    public const int TextLength = 2 * SHA256.HashSizeInBytes;

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
    public override string ToString() => string.Create(TextLength, this, static (text, hash) => hash.Format(text));

    /// <summary>Writes what <see cref="ToString"/> returns.</summary>
    /// <param name="destination">At least <see cref="TextLength"/> characters.</param>
    public void Format(Span<char> destination)
    {
        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, _high);
        BinaryPrimitives.WriteUInt128BigEndian(bytes[16..], _low);
        if (!Convert.TryToHexStringLower(bytes, destination, out _))
        {
            throw new ArgumentException("The room is too small for a hash.", nameof(destination));
        }
    }
}
