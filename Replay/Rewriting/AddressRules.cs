using System.Buffers.Binary;

namespace Interceptor.Replay.Rewriting;

/// <summary>Address mappings, made ready to be applied to the bytes of a packet; the first that fits counts.</summary>
internal sealed class AddressRules
{
    private readonly Rule<uint>[] _ipv4;
    private readonly Rule<UInt128>[] _ipv6;

    internal AddressRules(params IEnumerable<AddressMapping> mappings)
    {
        _ipv4 = [.. mappings.Where(mapping => mapping.Old.Address.IsIpv4).Select(mapping => new Rule<uint>(
            (uint)Mask(mapping.Old.PrefixLength, 32), (uint)mapping.Old.Address.Bits, (uint)Mask(mapping.New.PrefixLength, 32), (uint)mapping.New.Address.Bits))];
        _ipv6 = [.. mappings.Where(mapping => !mapping.Old.Address.IsIpv4).Select(mapping => new Rule<UInt128>(
            Mask(mapping.Old.PrefixLength, 128), mapping.Old.Address.Bits, Mask(mapping.New.PrefixLength, 128), mapping.New.Address.Bits))];
    }

    /// <summary>Changes an address in place; false where no rule fits it.</summary>
    /// <param name="address">4 or 16 bytes in network order.</param>
    internal bool TryMap(Span<byte> address)
    {
        if (address.Length == 4)
        {
            uint value = BinaryPrimitives.ReadUInt32BigEndian(address);
            foreach (Rule<uint> rule in _ipv4)
            {
                if ((value & rule.OldMask) == rule.Old)
                {
                    BinaryPrimitives.WriteUInt32BigEndian(address, (value & ~rule.NewMask) | rule.New);
                    return true;
                }
            }

            return false;
        }

        if (_ipv6.Length == 0)
        {
            return false;
        }

        UInt128 wide = BinaryPrimitives.ReadUInt128BigEndian(address);
        foreach (Rule<UInt128> rule in _ipv6)
        {
            if ((wide & rule.OldMask) == rule.Old)
            {
                BinaryPrimitives.WriteUInt128BigEndian(address, (wide & ~rule.NewMask) | rule.New);
                return true;
            }
        }

        return false;
    }

    private static UInt128 Mask(int length, int width) => length == 0 ? 0 : (UInt128.MaxValue << (128 - length)) >> (128 - width);

    private readonly record struct Rule<T>(T OldMask, T Old, T NewMask, T New);
}
