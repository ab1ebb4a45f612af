using System.Buffers.Binary;
using Interceptor.Packets;

namespace Interceptor.Replay.Rewriting;

/// <summary>
/// The edits that change fields and no length: addresses, ports, time to live, type of service, segment size, payload.
/// <para>Allocates nothing for a packet. Not thread-safe.</para>
/// </summary>
internal sealed class FieldEdits : IDisposable
{
    private readonly PacketEdits _edits;
    private readonly AddressRules _any;
    private readonly AddressRules _source;
    private readonly AddressRules _destination;
    private readonly MacMapping[] _macs;
    private readonly PortMapping[] _ports;
    private readonly AddressAnonymiser? _addresses;
    private readonly MacAnonymiser? _macNames;

    internal FieldEdits(PacketEdits edits)
    {
        _edits = edits;
        _any = new AddressRules(edits.Addresses);
        _source = new AddressRules([.. edits.SourceAddresses, .. edits.Addresses]);
        _destination = new AddressRules([.. edits.DestinationAddresses, .. edits.Addresses]);
        _macs = [.. edits.Macs];
        _ports = [.. edits.Ports];
        if (edits.Anonymisation is { } key)
        {
            _addresses = new AddressAnonymiser(key);
            _macNames = new MacAnonymiser(key, _addresses);
        }
    }

    private bool Anonymises => _addresses is not null;

    /// <summary>Why a packet can't have all of the edits that concern it; null where it can.</summary>
    internal RewriteReason? WhyNot(PacketMap map)
    {
        PacketObstacle obstacle = PacketObstacle.None;
        if (_edits.HasDeepEdits || _ports.Length > 0 || _edits.MaximumSegmentSize is not null || (_edits.HasHeaderEdits && map.IpOffset < 0))
        {
            obstacle = map.Obstacle;
        }

        if (obstacle == PacketObstacle.None && _ports.Length > 0)
        {
            obstacle = map.PortObstacle;
        }

        if (obstacle == PacketObstacle.None && _edits.MaximumSegmentSize is not null)
        {
            obstacle = map.OptionObstacle;
        }

        if (obstacle == PacketObstacle.None && Anonymises && !_edits.ZeroesPayload)
        {
            obstacle = map.HiddenObstacle;
        }

        if (obstacle == PacketObstacle.None
            && ((_edits.SourceMac is not null && !Has(map, PacketFieldKind.SourceMac)) || (_edits.DestinationMac is not null && !Has(map, PacketFieldKind.DestinationMac))))
        {
            obstacle = map.Obstacle == PacketObstacle.None ? PacketObstacle.LinkType : map.Obstacle;
        }

        return obstacle switch
        {
            PacketObstacle.None => null,
            PacketObstacle.Truncated => RewriteReason.Truncated,
            PacketObstacle.Malformed => RewriteReason.Malformed,
            PacketObstacle.LinkType => RewriteReason.LinkType,
            PacketObstacle.UnknownProtocol => RewriteReason.UnknownProtocol,
            PacketObstacle.Encrypted => RewriteReason.Encrypted,
            PacketObstacle.Authenticated => RewriteReason.Authenticated,
            _ => RewriteReason.TooComplex,
        };
    }

    /// <summary>Edits a packet in place; true if a byte changed. Checksums follow with <see cref="PacketMap.Settle"/>.</summary>
    internal bool Apply(PacketMap map, Span<byte> data)
    {
        bool isChanged = false;
        Span<byte> scratch = stackalloc byte[16];
        foreach (ref readonly PacketField field in map.Fields)
        {
            if (field.Kind == PacketFieldKind.TcpHeader)
            {
                isChanged |= _edits.MaximumSegmentSize is { } size && SetSegmentSize(map, data, field, size);
                continue;
            }

            Span<byte> value = scratch[..field.Length];
            data.Slice(field.Offset, field.Length).CopyTo(value);
            Change(field, value);
            isChanged |= map.Write(data, field.Offset, value);
        }

        isChanged |= _edits.HasHeaderEdits && map.IpOffset >= 0 && EditIpHeader(map, data);
        return (_edits.ZeroesPayload && map.ClearPayload(data)) | isChanged;
    }

    public void Dispose()
    {
        _macNames?.Dispose();
        _addresses?.Dispose();
    }

    private static bool Has(PacketMap map, PacketFieldKind kind)
    {
        foreach (ref readonly PacketField field in map.Fields)
        {
            if (field.Kind == kind && field.IsOutermost)
            {
                return true;
            }
        }

        return false;
    }

    private void Change(in PacketField field, Span<byte> value)
    {
        switch (field.Kind)
        {
            case PacketFieldKind.SourceMac when field.IsOutermost && _edits.SourceMac is { } mac:
                mac.CopyTo(value);
                break;
            case PacketFieldKind.DestinationMac when field.IsOutermost && _edits.DestinationMac is { } mac:
                mac.CopyTo(value);
                break;
            case PacketFieldKind.SourceMac or PacketFieldKind.DestinationMac or PacketFieldKind.OtherMac:
                ChangeMac(value);
                break;
            case PacketFieldKind.SourceAddress:
                ChangeAddress(_source, value);
                break;
            case PacketFieldKind.DestinationAddress:
                ChangeAddress(_destination, value);
                break;
            case PacketFieldKind.OtherAddress:
                ChangeAddress(_any, value);
                break;
            case PacketFieldKind.Prefix:
                ChangePrefix(value, field.PrefixLength);
                break;
            case PacketFieldKind.SourcePort or PacketFieldKind.DestinationPort when _ports.Length > 0:
                ChangePort(value);
                break;
            default:
                break;
        }
    }

    private void ChangeMac(Span<byte> value)
    {
        if (_macs.Length == 0 && _macNames is null)
        {
            return;
        }

        MacAddress old = MacAddress.FromBytes(value);
        foreach (MacMapping mapping in _macs)
        {
            if (mapping.Old == old)
            {
                mapping.New.CopyTo(value);
                return;
            }
        }

        _macNames?.Map(old).CopyTo(value);
    }

    private void ChangeAddress(AddressRules rules, Span<byte> value)
    {
        if (!rules.TryMap(value))
        {
            _addresses?.Map(value);
        }
    }

    /// <summary>The bits behind the prefix stay zero.</summary>
    private void ChangePrefix(Span<byte> value, int length)
    {
        ChangeAddress(_any, value);
        UInt128 mask = length <= 0 ? 0 : UInt128.MaxValue << (128 - Math.Min(length, 128));
        BinaryPrimitives.WriteUInt128BigEndian(value, BinaryPrimitives.ReadUInt128BigEndian(value) & mask);
    }

    private void ChangePort(Span<byte> value)
    {
        ushort old = BinaryPrimitives.ReadUInt16BigEndian(value);
        foreach (PortMapping mapping in _ports)
        {
            if (mapping.Old == old)
            {
                BinaryPrimitives.WriteUInt16BigEndian(value, mapping.New);
                return;
            }
        }
    }

    private static bool SetSegmentSize(PacketMap map, Span<byte> data, in PacketField field, ushort size)
    {
        if (!TcpEditor.TryParse(data.Slice(field.Offset, field.Length), out TcpEditor tcp) || (tcp.Flags & TcpFlags.Syn) == 0
            || !tcp.TryGetOption(TcpOptionKind.MaximumSegmentSize, out Span<byte> option) || option.Length != 2
            || !data.Overlaps(option, out int offset))
        {
            return false;
        }

        Span<byte> value = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(value, size);
        return map.Write(data, offset, value);
    }

    private bool EditIpHeader(PacketMap map, Span<byte> data)
    {
        // Written as whole words, as the checksum counts them.
        bool isIpv4 = data[map.IpOffset] >> 4 == 4;
        Span<byte> first = stackalloc byte[2];
        Span<byte> life = stackalloc byte[2];
        int lifeAt = map.IpOffset + (isIpv4 ? 8 : 6);
        data.Slice(map.IpOffset, 2).CopyTo(first);
        data.Slice(lifeAt, 2).CopyTo(life);
        if (_edits.TypeOfService is { } service)
        {
            first[0] = isIpv4 ? first[0] : (byte)((first[0] & 0xF0) | (service >> 4));
            first[1] = isIpv4 ? service : (byte)((first[1] & 0x0F) | (service << 4));
        }

        if (_edits.TimeToLive is { } change)
        {
            int at = isIpv4 ? 0 : 1;
            life[at] = change.Apply(life[at]);
        }

        return map.Write(data, map.IpOffset, first) | map.Write(data, lifeAt, life);
    }
}
