using System.Buffers.Binary;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>The attributes of one packet message, as numbers and offsets; no bytes are kept.</summary>
internal struct QueuePacketFields
{
    /// <summary>True once a packet header was read: without it there is no id and so no verdict.</summary>
    internal bool HasId;
    internal uint Id;
    internal ushort Protocol;
    internal byte Hook;
    internal uint Mark;
    internal uint InDevice;
    internal uint OutDevice;
    internal uint SkbInfo;
    internal long TimestampNanoseconds;
    internal uint? UserId;
    internal uint? GroupId;
    internal uint PhysicalInDevice;
    internal uint PhysicalOutDevice;
    internal uint Priority;
    internal MacAddress? HardwareAddress;
    internal ushort? VlanTag;
    internal ushort VlanProtocol;
    internal uint? ConntrackMark;
    internal uint? ConntrackInfo;

    /// <summary>Where the payload starts in the message's body; the length is 0 where it has none.</summary>
    internal int PayloadOffset;
    internal int PayloadLength;

    /// <summary>Bytes of the packet in the kernel.</summary>
    internal int OriginalLength;

    /// <summary>The attributes end in the middle of one, or one is too short for its type. What was read before stands.</summary>
    internal bool IsMalformed;

    /// <summary>Reads the body of a packet message (<c>nfgenmsg</c> and attributes). Total: any bytes.</summary>
    internal static QueuePacketFields Parse(ReadOnlySpan<byte> body)
    {
        var fields = default(QueuePacketFields);
        if (body.Length < 4)
        {
            fields.IsMalformed = true;
            return fields;
        }

        var reader = new NetlinkAttributeReader(body[4..]);
        uint capLength = 0;
        while (reader.TryRead())
        {
            fields.Take(ref reader, ref capLength);
        }

        fields.IsMalformed |= reader.IsMalformed || !fields.HasId;
        fields.OriginalLength = (int)Math.Max(Math.Min(capLength, int.MaxValue), (uint)fields.PayloadLength);
        return fields;
    }

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
                UserId = reader.UInt32BigEndian();
                break;
            case QueueProtocol.Gid:
                GroupId = reader.UInt32BigEndian();
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
                ConntrackInfo = reader.UInt32BigEndian();
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
            IsMalformed = true;
            return;
        }

        // An address of another length is no Ethernet's.
        HardwareAddress = BinaryPrimitives.ReadUInt16BigEndian(value) == MacAddress.Length ? MacAddress.FromBytes(value[4..]) : null;
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
                IsMalformed = true;
            }
            else if (reader.Type == QueueProtocol.VlanTag)
            {
                VlanTag = BinaryPrimitives.ReadUInt16BigEndian(reader.Value);
            }
            else
            {
                VlanProtocol = BinaryPrimitives.ReadUInt16BigEndian(reader.Value);
            }
        }

        IsMalformed |= reader.IsMalformed;
    }

    private void TakeConntrack(ReadOnlySpan<byte> nested)
    {
        var reader = new NetlinkAttributeReader(nested);
        while (reader.TryRead())
        {
            if (reader.Type == QueueProtocol.ConntrackMark)
            {
                ConntrackMark = reader.UInt32BigEndian();
            }
        }

        IsMalformed |= reader.IsMalformed;
    }

    // struct nfqnl_msg_packet_hdr: be32 id, be16 protocol, u8 hook, packed.
    private void TakeHeader(ReadOnlySpan<byte> value)
    {
        if (value.Length < 7)
        {
            IsMalformed = true;
            return;
        }

        Id = BinaryPrimitives.ReadUInt32BigEndian(value);
        Protocol = BinaryPrimitives.ReadUInt16BigEndian(value[4..]);
        Hook = value[6];
        HasId = true;
    }

    // struct nfqnl_msg_packet_timestamp: be64 seconds, be64 microseconds.
    private void TakeTimestamp(ReadOnlySpan<byte> value)
    {
        if (value.Length < 16)
        {
            IsMalformed = true;
            return;
        }

        ulong seconds = BinaryPrimitives.ReadUInt64BigEndian(value);
        ulong microseconds = BinaryPrimitives.ReadUInt64BigEndian(value[8..]);
        TimestampNanoseconds = seconds <= 9_000_000_000 && microseconds < 1_000_000 ? (long)((seconds * 1_000_000_000) + (microseconds * 1000)) : 0;
    }
}
