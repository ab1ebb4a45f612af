using System.Buffers.Binary;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// The attributes of one packet message, as numbers and offsets; no bytes are kept. Laid out to be small: tens of thousands of packets may wait, each with one of these.
/// </summary>
internal struct QueuePacketFields
{
    internal long TimestampNanoseconds;
    private ulong _hardwareAddress;
    internal uint Id;
    internal uint Mark;
    internal uint InDevice;
    internal uint OutDevice;
    internal uint PhysicalInDevice;
    internal uint PhysicalOutDevice;
    internal uint SkbInfo;
    internal uint Priority;
    private uint _userId;
    private uint _groupId;
    private uint _conntrackMark;

    /// <summary>Where the payload starts in the message's body; the length is 0 where it has none.</summary>
    internal int PayloadOffset;
    internal int PayloadLength;

    /// <summary>Bytes of the packet in the kernel.</summary>
    internal int OriginalLength;
    internal ushort Protocol;
    internal ushort VlanProtocol;
    private ushort _vlanTag;
    private Known _known;
    internal byte Hook;
    private byte _conntrackInfo;

    /// <summary>What was read of that which not every packet has.</summary>
    [Flags]
    private enum Known : byte
    {
        Id = 1,
        User = 2,
        Group = 4,
        HardwareAddress = 8,
        VlanTag = 16,
        ConntrackMark = 32,
        ConntrackInfo = 64,
        Malformed = 128,
    }

    /// <summary>True once a packet header was read: without it there is no id and so no verdict.</summary>
    internal readonly bool HasId => Has(Known.Id);

    /// <summary>The attributes end in the middle of one, or one is too short for its type. What was read before stands.</summary>
    internal readonly bool IsMalformed => Has(Known.Malformed);

    internal readonly uint? UserId => Has(Known.User) ? _userId : null;

    internal readonly uint? GroupId => Has(Known.Group) ? _groupId : null;

    internal readonly MacAddress? HardwareAddress => Has(Known.HardwareAddress) ? MacAddress.FromBits(_hardwareAddress) : null;

    internal readonly ushort? VlanTag => Has(Known.VlanTag) ? _vlanTag : null;

    internal readonly uint? ConntrackMark => Has(Known.ConntrackMark) ? _conntrackMark : null;

    internal readonly uint? ConntrackInfo => Has(Known.ConntrackInfo) ? _conntrackInfo : null;

    /// <summary>Reads the body of a packet message (<c>nfgenmsg</c> and attributes). Total: any bytes.</summary>
    internal static QueuePacketFields Parse(ReadOnlySpan<byte> body)
    {
        var fields = default(QueuePacketFields);
        if (body.Length < 4)
        {
            fields._known = Known.Malformed;
            return fields;
        }

        var reader = new NetlinkAttributeReader(body[4..]);
        uint capLength = 0;
        while (reader.TryRead())
        {
            fields.Take(ref reader, ref capLength);
        }

        if (reader.IsMalformed || !fields.HasId)
        {
            fields._known |= Known.Malformed;
        }

        fields.OriginalLength = (int)Math.Max(Math.Min(capLength, int.MaxValue), (uint)fields.PayloadLength);
        return fields;
    }

    private readonly bool Has(Known what) => (_known & what) != 0;

    private void Take(ref NetlinkAttributeReader reader, ref uint capLength)
    {
        switch (reader.Type)
        {
            case QueueProtocol.PacketHeader:
                TakeHeader(reader.Value);
                break;
            case QueueProtocol.Mark:
                Mark = reader.UInt32BigEndian();
                break;
            case QueueProtocol.Timestamp:
                TakeTimestamp(reader.Value);
                break;
            case QueueProtocol.InDevice:
                InDevice = reader.UInt32BigEndian();
                break;
            case QueueProtocol.OutDevice:
                OutDevice = reader.UInt32BigEndian();
                break;
            case QueueProtocol.Payload:
                PayloadOffset = 4 + reader.ValueOffset;
                PayloadLength = reader.Value.Length;
                break;
            case QueueProtocol.CapLength:
                capLength = reader.UInt32BigEndian();
                break;
            case QueueProtocol.SkbInfo:
                SkbInfo = reader.UInt32BigEndian();
                break;
            case QueueProtocol.Uid:
                _userId = reader.UInt32BigEndian();
                _known |= Known.User;
                break;
            case QueueProtocol.Gid:
                _groupId = reader.UInt32BigEndian();
                _known |= Known.Group;
                break;
            default:
                TakeRare(ref reader);
                break;
        }
    }

    // What only some packets have: of a bridge, of a VLAN, with a priority, with connection tracking attached.
    private void TakeRare(ref NetlinkAttributeReader reader)
    {
        switch (reader.Type)
        {
            case QueueProtocol.HardwareAddress:
                TakeHardwareAddress(reader.Value);
                break;
            case QueueProtocol.PhysicalInDevice:
                PhysicalInDevice = reader.UInt32BigEndian();
                break;
            case QueueProtocol.PhysicalOutDevice:
                PhysicalOutDevice = reader.UInt32BigEndian();
                break;
            case QueueProtocol.Priority:
                Priority = reader.UInt32BigEndian();
                break;
            case QueueProtocol.Vlan:
                TakeVlan(reader.Value);
                break;
            case QueueProtocol.Conntrack:
                TakeConntrack(reader.Value);
                break;
            case QueueProtocol.ConntrackInfo:
                _conntrackInfo = (byte)reader.UInt32BigEndian();
                _known |= Known.ConntrackInfo;
                break;
            default:
                break;
        }
    }

    // struct nfqnl_msg_packet_hw: be16 length, 2 bytes of padding, 8 bytes of address.
    private void TakeHardwareAddress(ReadOnlySpan<byte> value)
    {
        if (value.Length < 4 + MacAddress.Length)
        {
            _known |= Known.Malformed;
            return;
        }

        // An address of another length is no Ethernet's.
        if (BinaryPrimitives.ReadUInt16BigEndian(value) == MacAddress.Length)
        {
            _hardwareAddress = MacAddress.FromBytes(value[4..]).Bits;
            _known |= Known.HardwareAddress;
        }
    }

    private void TakeVlan(ReadOnlySpan<byte> nested)
    {
        var reader = new NetlinkAttributeReader(nested);
        while (reader.TryRead())
        {
            if (reader.Type is not (QueueProtocol.VlanTag or QueueProtocol.VlanProtocol))
            {
                continue;
            }

            if (reader.Value.Length < sizeof(ushort))
            {
                _known |= Known.Malformed;
            }
            else if (reader.Type == QueueProtocol.VlanTag)
            {
                _vlanTag = BinaryPrimitives.ReadUInt16BigEndian(reader.Value);
                _known |= Known.VlanTag;
            }
            else
            {
                VlanProtocol = BinaryPrimitives.ReadUInt16BigEndian(reader.Value);
            }
        }

        _known |= reader.IsMalformed ? Known.Malformed : 0;
    }

    private void TakeConntrack(ReadOnlySpan<byte> nested)
    {
        var reader = new NetlinkAttributeReader(nested);
        while (reader.TryRead())
        {
            if (reader.Type == QueueProtocol.ConntrackMark)
            {
                _conntrackMark = reader.UInt32BigEndian();
                _known |= Known.ConntrackMark;
            }
        }

        _known |= reader.IsMalformed ? Known.Malformed : 0;
    }

    // struct nfqnl_msg_packet_hdr: be32 id, be16 protocol, u8 hook, packed.
    private void TakeHeader(ReadOnlySpan<byte> value)
    {
        if (value.Length < 7)
        {
            _known |= Known.Malformed;
            return;
        }

        Id = BinaryPrimitives.ReadUInt32BigEndian(value);
        Protocol = BinaryPrimitives.ReadUInt16BigEndian(value[4..]);
        Hook = value[6];
        _known |= Known.Id;
    }

    // struct nfqnl_msg_packet_timestamp: be64 seconds, be64 microseconds.
    private void TakeTimestamp(ReadOnlySpan<byte> value)
    {
        if (value.Length < 16)
        {
            _known |= Known.Malformed;
            return;
        }

        ulong seconds = BinaryPrimitives.ReadUInt64BigEndian(value);
        ulong microseconds = BinaryPrimitives.ReadUInt64BigEndian(value[8..]);
        TimestampNanoseconds = seconds <= 9_000_000_000 && microseconds < 1_000_000 ? (long)((seconds * 1_000_000_000) + (microseconds * 1000)) : 0;
    }
}
