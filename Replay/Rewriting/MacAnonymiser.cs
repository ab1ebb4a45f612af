using System.Buffers.Binary;
using System.Security.Cryptography;
using Interceptor.Packets;

namespace Interceptor.Replay.Rewriting;

/// <summary>
/// Anonymisation of Ethernet addresses: a keyed permutation (four Feistel rounds of AES) of the 46 bits besides the two that say group and locally administered.
/// The manufacturer's part does not stay. Group addresses and 00:00:00:00:00:00 do, but for the groups of IPv6's solicited nodes (33:33:ff), whose last three bytes are
/// those of the IP address and change as there.
/// <para>Allocates nothing after it was made. Not thread-safe.</para>
/// </summary>
public sealed class MacAnonymiser : IDisposable
{
    private const int Rounds = 4;
    private const int HalfBits = 23;
    private const uint HalfMask = (1u << HalfBits) - 1;
    private const ulong KindBits = 0x0300_0000_0000;
    private const int Slots = 1 << 12;

    private readonly Aes _aes = Aes.Create();
    private readonly ICryptoTransform _encryptor;
    private readonly AddressAnonymiser _addresses;
    private readonly byte[] _input = new byte[16];
    private readonly byte[] _output = new byte[16];
    private readonly (ulong Address, ulong Mapped)[] _table = new (ulong, ulong)[Slots];

    /// <summary>Under a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="addresses">For the groups of solicited nodes; stays the caller's.</param>
    public MacAnonymiser(AnonymisationKey key, AddressAnonymiser addresses)
    {
        ArgumentNullException.ThrowIfNull(key);
        _addresses = addresses;
        _aes.Key = key.Macs;
#pragma warning disable CA5358 // A pseudo-random function of single blocks.
        _aes.Mode = CipherMode.ECB;
#pragma warning restore CA5358
        _aes.Padding = PaddingMode.None;
        _encryptor = _aes.CreateEncryptor();
    }

    /// <summary>What an address becomes.</summary>
    public MacAddress Map(MacAddress address)
    {
        ulong bits = address.Bits;
        if (address.IsMulticast)
        {
            return bits >> 24 == 0x3333FF ? MapSolicitedNode(bits) : address;
        }

        ref (ulong Address, ulong Mapped) entry = ref _table[(bits * 0x9E3779B97F4A7C15) >> 52];
        if (bits == 0 || entry.Address == bits)
        {
            return MacAddress.FromBits(bits == 0 ? 0 : entry.Mapped);
        }

        // Zero stays, so that what would become zero goes round once more.
        ulong mapped = Permute(bits);
        mapped = mapped == 0 ? Permute(mapped) : mapped;
        entry = (bits, mapped);
        return MacAddress.FromBits(mapped);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _encryptor.Dispose();
        _aes.Dispose();
    }

    private MacAddress MapSolicitedNode(ulong bits)
    {
        Span<byte> group = [0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF, (byte)(bits >> 16), (byte)(bits >> 8), (byte)bits];
        _addresses.Map(group);
        return MacAddress.FromBits((0x3333UL << 32) | BinaryPrimitives.ReadUInt32BigEndian(group[12..]));
    }

    private ulong Permute(ulong bits)
    {
        // The two kind bits stand above the lowest 40; the six above them belong to the rest.
        ulong rest = ((bits & ~(KindBits | 0xFF_FFFF_FFFF)) >> 2) | (bits & 0xFF_FFFF_FFFF);
        uint left = (uint)(rest >> HalfBits) & HalfMask;
        uint right = (uint)rest & HalfMask;
        for (int round = 0; round < Rounds; round++)
        {
            (left, right) = (right, left ^ Round(round, right));
        }

        rest = ((ulong)left << HalfBits) | right;
        return (bits & KindBits) | ((rest & ~0xFF_FFFF_FFFFUL) << 2) | (rest & 0xFF_FFFF_FFFF);
    }

    private uint Round(int round, uint half)
    {
        _input[0] = (byte)round;
        BinaryPrimitives.WriteUInt32BigEndian(_input.AsSpan(12), half);
        _encryptor.TransformBlock(_input, 0, _input.Length, _output, 0);
        return BinaryPrimitives.ReadUInt32BigEndian(_output) & HalfMask;
    }
}
