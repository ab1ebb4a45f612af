using System.Buffers.Binary;
using System.Security.Cryptography;
using Interceptor.Packets;

namespace Interceptor.Replay.Rewriting;

/// <summary>
/// Prefix-preserving anonymisation of addresses by Crypto-PAn's construction (Xu, Fan, Ammar, Moon 2002): bit i is flipped by what AES says of the i bits before it.
/// Two addresses with k equal first bits get two with exactly k equal first bits, and no two get the same.
/// <para>Kept as they are: 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/3 (multicast, reserved, broadcast), ::, ::1, ff00::/8, and the networks one names. Kept in their
/// first bits: 169.254.0.0/16, fe80::/64, solicited-node groups (ff02::1:ff00:0/104), and the two networks that IPv4 addresses are embedded in, ::ffff:0:0/96 and
/// 64:ff9b::/96, whose last 32 bits are anonymised as an IPv4 address. For that no bit on the way to such a network is flipped, for any address, which keeps
/// prefixes and uniqueness exact.</para>
/// <para>An address is computed once and then remembered in a table of fixed size. Allocates nothing after it was made. Not thread-safe.</para>
/// </summary>
public sealed class AddressAnonymiser : IDisposable
{
    private const int BlockLength = 16;
    private const int Ipv4Slots = 1 << 16;
    private const int Ipv6Slots = 1 << 14;

    private readonly Aes _aes = Aes.Create();
    private readonly ICryptoTransform _encryptor;
    private readonly byte[] _input = new byte[128 * BlockLength];
    private readonly byte[] _output = new byte[128 * BlockLength];
    private readonly UInt128 _pad;
    private readonly Fixed[] _ipv4;
    private readonly Fixed[] _ipv6;
    private readonly ulong[] _ipv4Table = new ulong[Ipv4Slots];
    private readonly bool[] _ipv4Known = new bool[Ipv4Slots];
    private readonly (UInt128 Address, UInt128 Mapped)[] _ipv6Table = new (UInt128, UInt128)[Ipv6Slots];

    /// <summary>Under a key.</summary>
    public AddressAnonymiser(AnonymisationKey key)
        : this(Required(key).Addresses, [.. UsualIpv4(), .. Named(key.Kept, 4)], [.. UsualIpv6(), .. Named(key.Kept, 6)])
    {
    }

    /// <param name="key">Half for AES, half for the pad.</param>
    /// <param name="ipv4">What stays of IPv4.</param>
    /// <param name="ipv6">What stays of IPv6.</param>
    internal AddressAnonymiser(ReadOnlySpan<byte> key, Fixed[] ipv4, Fixed[] ipv6)
    {
        _ipv4 = ipv4;
        _ipv6 = ipv6;
        _aes.Key = key[..16].ToArray();
#pragma warning disable CA5358 // Crypto-PAn is AES on single blocks, each different.
        _aes.Mode = CipherMode.ECB;
#pragma warning restore CA5358
        _aes.Padding = PaddingMode.None;
        _encryptor = _aes.CreateEncryptor();
        byte[] pad = new byte[BlockLength];
        _encryptor.TransformBlock(key[16..32].ToArray(), 0, BlockLength, pad, 0);
        _pad = BinaryPrimitives.ReadUInt128BigEndian(pad);
    }

    /// <summary>What an address becomes.</summary>
    public IpAddress Map(in IpAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes = bytes[..address.Length];
        address.CopyTo(bytes);
        Map(bytes);
        return IpAddress.FromBytes(bytes);
    }

    /// <summary>The same in place: 4 or 16 bytes in network order.</summary>
    public void Map(Span<byte> address)
    {
        if (address.Length == 4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(address, Map(BinaryPrimitives.ReadUInt32BigEndian(address)));
        }
        else
        {
            BinaryPrimitives.WriteUInt128BigEndian(address, Map(BinaryPrimitives.ReadUInt128BigEndian(address)));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _encryptor.Dispose();
        _aes.Dispose();
    }

    private uint Map(uint address)
    {
        uint slot = (address * 0x9E3779B1) >> 16;
        if (_ipv4Known[slot] && (uint)(_ipv4Table[slot] >> 32) == address)
        {
            return (uint)_ipv4Table[slot];
        }

        UInt128 wide = (UInt128)address << 96;
        uint mapped = (uint)((wide ^ Flips(wide, FixedBits(_ipv4, wide, 32), 32)) >> 96);
        _ipv4Table[slot] = ((ulong)address << 32) | mapped;
        _ipv4Known[slot] = true;
        return mapped;
    }

    private UInt128 Map(UInt128 address)
    {
        ref (UInt128 Address, UInt128 Mapped) entry = ref _ipv6Table[(int)((uint)address.GetHashCode() % Ipv6Slots)];
        // The table is empty where it holds ::, which stays.
        if (entry.Address == address)
        {
            return entry.Mapped;
        }

        int fixedBits = FixedBits(_ipv6, address, 128);
        UInt128 mapped = IsEmbedded(fixedBits, address)
            ? ((address >> 32) << 32) | Map((uint)address)
            : address ^ Flips(address, fixedBits, 128);
        entry = (address, mapped);
        return mapped;
    }

    private bool IsEmbedded(int fixedBits, UInt128 address)
    {
        foreach (Fixed network in _ipv6)
        {
            if (network.IsEmbedding && fixedBits == network.Length && CommonBits(network.Bits, address) >= network.Length)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>How many of the first bits stay: those on the way to a fixed network, and those inside one.</summary>
    private static int FixedBits(Fixed[] networks, UInt128 address, int width)
    {
        int bits = 0;
        foreach (Fixed network in networks)
        {
            int common = CommonBits(network.Bits, address);
            int stays = common < network.Length ? common + 1 : network.KeepsAll ? width : network.Length;
            bits = Math.Max(bits, stays);
        }

        // A network whose first bits stay may lie inside one that stays as a whole.
        foreach (Fixed network in networks)
        {
            bits = network.IsException && CommonBits(network.Bits, address) >= network.Length ? network.Length : bits;
        }

        return bits;
    }

    private static int CommonBits(UInt128 one, UInt128 other) => (int)UInt128.LeadingZeroCount(one ^ other);

    /// <summary>Which bits are flipped, from the highest.</summary>
    private UInt128 Flips(UInt128 address, int from, int width)
    {
        int count = width - from;
        if (count <= 0)
        {
            return 0;
        }

        for (int i = 0; i < count; i++)
        {
            int kept = from + i;
            UInt128 mask = kept == 0 ? 0 : UInt128.MaxValue << (128 - kept);
            BinaryPrimitives.WriteUInt128BigEndian(_input.AsSpan(i * BlockLength), (address & mask) | (_pad & ~mask));
        }

        _encryptor.TransformBlock(_input, 0, count * BlockLength, _output, 0);
        UInt128 flips = 0;
        for (int i = 0; i < count; i++)
        {
            flips |= (UInt128)(_output[i * BlockLength] >> 7) << (127 - from - i);
        }

        return flips;
    }

    private static AnonymisationKey Required(AnonymisationKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return key;
    }

    private static Fixed[] UsualIpv4() =>
    [
        Of("0.0.0.0/8", keepsAll: true), Of("127.0.0.0/8", keepsAll: true), Of("169.254.0.0/16", keepsAll: false), Of("224.0.0.0/3", keepsAll: true),
    ];

    private static Fixed[] UsualIpv6() =>
    [
        Of("::/127", keepsAll: true), Of("fe80::/64", keepsAll: false), Of("ff00::/8", keepsAll: true),
        Of("ff02::1:ff00:0/104", keepsAll: false) with { IsException = true },
        Of("::ffff:0:0/96", keepsAll: false) with { IsEmbedding = true }, Of("64:ff9b::/96", keepsAll: false) with { IsEmbedding = true },
    ];

    private static IEnumerable<Fixed> Named(IReadOnlyList<IpNetwork> kept, int version) =>
        kept.Where(prefix => prefix.Address.Version == version).Select(prefix => Of(prefix, keepsAll: true));

    private static Fixed Of(string text, bool keepsAll) =>
        Of(IpNetwork.TryParse(text, out IpNetwork prefix) ? prefix : throw new InvalidOperationException($"{text} is no network."), keepsAll);

    private static Fixed Of(IpNetwork prefix, bool keepsAll) =>
        new(prefix.Address.IsIpv4 ? prefix.Address.Bits << 96 : prefix.Address.Bits, prefix.PrefixLength, keepsAll);

    /// <summary>A network of which something stays.</summary>
    /// <param name="Bits">Its address, from the highest bit.</param>
    /// <param name="Length">Its bits that count.</param>
    /// <param name="KeepsAll">The whole address stays, and not only the network's bits.</param>
    internal readonly record struct Fixed(UInt128 Bits, int Length, bool KeepsAll)
    {
        /// <summary>It lies in a network that stays as a whole, and only its own bits stay.</summary>
        internal bool IsException { get; init; }

        /// <summary>Its last 32 bits are an IPv4 address.</summary>
        internal bool IsEmbedding { get; init; }
    }
}
