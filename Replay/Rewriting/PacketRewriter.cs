using System.Buffers.Binary;
using Interceptor.Packets;

namespace Interceptor.Replay.Rewriting;

/// <summary>
/// Edits packets, one at a time, in a buffer of its own. A packet gets all of the edits that concern it, or it is listed and stays as it was.
/// <para>Allocates nothing for a packet but the first of a reason. Not thread-safe.</para>
/// </summary>
/// <param name="edits">What to edit.</param>
/// <param name="report">Where it counts.</param>
internal sealed class PacketRewriter(PacketEdits edits, RewriteReport report) : IDisposable
{
    /// <summary>The most that a packet is padded to: what capture files hold.</summary>
    private const int LongestPadded = 256 * 1024;

    /// <summary>Ethernet without its frame check sequence.</summary>
    private const int ShortestFrame = 60;

    private const int TagOffset = 12;

    private readonly FieldEdits _fields = new(edits);
    private readonly PacketMap _map = new();
    private readonly PacketCutter _cutter = new();
    private readonly PacketDraft _draft = new();
    private byte[] _piece = [];

    /// <summary>The packet as it became, lent until the next one.</summary>
    internal CapturedPacket Packet => _draft.ToCaptured();

    /// <summary>There are further pieces of the packet that was cut.</summary>
    internal bool HasPieces => _cutter.HasMore;

    /// <summary>The next piece, lent until the one after it.</summary>
    internal CapturedPacket NextPiece()
    {
        int length = _cutter.Next(_draft.Data, _piece);
        report.Pieces++;
        return new CapturedPacket(_piece.AsSpan(0, length), _draft.Metadata with { OriginalLength = length });
    }

    /// <summary>Edits a packet; it is then <see cref="Packet"/>, or there are <see cref="HasPieces"/>.</summary>
    internal RewriteResult Rewrite(in CapturedPacket packet)
    {
        _draft.Load(packet);
        bool isChanged = false;
        if (_draft.IsTruncated && edits.Truncated != TruncatedPackets.Keep)
        {
            if (edits.Truncated == TruncatedPackets.Drop)
            {
                report.DroppedAsTruncated++;
                return RewriteResult.Dropped;
            }

            if (_draft.OriginalLength > LongestPadded && edits.Truncated == TruncatedPackets.Pad)
            {
                return GiveUp(packet, RewriteReason.TooLong);
            }

            MakeWhole();
            isChanged = true;
        }

        isChanged |= edits.Repairs && PacketLengths.Repair(_draft.Data, _draft.LinkType, _draft.OriginalLength);
        ReadMap();
        if ((edits.Repairs || isChanged) && _map.Repair(_draft.Data))
        {
            isChanged = true;
            ReadMap();
        }

        bool isTooLong = edits.Mtu is { } mtu && LengthOfPacket() > mtu;
        if ((_fields.WhyNot(_map) ?? WhyNoTag() ?? (isTooLong ? BeginCut() : null)) is { } reason)
        {
            return GiveUp(packet, reason);
        }

        isChanged |= _fields.Apply(_map, _draft.Data);
        isChanged |= _map.Settle(_draft.Data);
        isChanged |= edits.HasVlanEdits && EditTags();
        if (isTooLong)
        {
            ReadMap();
            _ = BeginCut();
            report.Cut++;
            isChanged = true;
        }

        report.Edited += isChanged ? 1 : 0;
        return isTooLong ? RewriteResult.Cut : isChanged ? RewriteResult.Edited : RewriteResult.Unchanged;
    }

    /// <inheritdoc/>
    public void Dispose() => _fields.Dispose();

    private void ReadMap() => _map.Read(_draft.Data, _draft.LinkType, _draft.OriginalLength);

    private RewriteResult GiveUp(in CapturedPacket packet, RewriteReason reason)
    {
        bool isDropped = edits.Anonymisation is not null && !edits.KeepsUnknown;
        report.AddNotEditable(reason, packet.Metadata.Number, isDropped);
        _draft.Load(packet);
        return isDropped ? RewriteResult.Dropped : RewriteResult.Unchanged;
    }

    private void MakeWhole()
    {
        if (edits.Truncated == TruncatedPackets.Pad)
        {
            _draft.PadTo(_draft.OriginalLength);
            return;
        }

        _draft.TakeAsWhole();
        _ = PacketLengths.Repair(_draft.Data, _draft.LinkType, _draft.OriginalLength);
    }

    /// <summary>Bytes that the MTU limits: of the IP packet, or of what an Ethernet frame without one carries.</summary>
    private int LengthOfPacket() => _map.IpOffset >= 0
        ? _map.UpperOffset - _map.IpOffset + _map.UpperLength
        : _draft.OriginalLength - (_draft.LinkType == LinkType.Ethernet ? EthernetView.Length + VlanView.Length : 0);

    private RewriteReason? BeginCut()
    {
        if (_piece.Length < _draft.Data.Length)
        {
            _piece = new byte[Math.Max(4096, 2 * _draft.Data.Length)];
        }

        return _cutter.Begin(_draft.Data, _draft.LinkType, _map, edits.Mtu!.Value, _draft.OriginalLength) switch
        {
            CutObstacle.None => null,
            CutObstacle.Truncated => RewriteReason.Truncated,
            CutObstacle.DontFragment => RewriteReason.DontFragment,
            CutObstacle.WrongChecksum => RewriteReason.WrongChecksum,
            _ => RewriteReason.NotDivisible,
        };
    }

    private RewriteReason? WhyNoTag()
    {
        if (!edits.HasVlanEdits)
        {
            return null;
        }

        Span<byte> data = _draft.Data;
        return _draft.LinkType != LinkType.Ethernet ? RewriteReason.LinkType
            : data.Length < EthernetView.Length || (IsTagged && data.Length < EthernetView.Length + VlanView.Length) ? RewriteReason.Truncated
            : null;
    }

    private bool IsTagged => BinaryPrimitives.ReadUInt16BigEndian(_draft.Data[TagOffset..]) is EtherType.Vlan or EtherType.ServiceVlan or 0x9100 or 0x9200;

    private bool EditTags()
    {
        bool isChanged = false;
        int before = _draft.OriginalLength;
        if (edits.RemovesVlan && IsTagged)
        {
            _draft.Remove(TagOffset, VlanView.Length);
            isChanged = true;
        }

        if (edits.SetVlan is { } id && IsTagged)
        {
            Span<byte> tag = _draft.Data.Slice(TagOffset + 2, 2);
            ushort old = BinaryPrimitives.ReadUInt16BigEndian(tag);
            ushort now = (ushort)((old & 0xF000) | id);
            BinaryPrimitives.WriteUInt16BigEndian(tag, now);
            isChanged |= now != old;
        }

        if (edits.AddVlan is { } added)
        {
            Span<byte> tag = stackalloc byte[VlanView.Length];
            BinaryPrimitives.WriteUInt16BigEndian(tag, IsTagged ? EtherType.ServiceVlan : EtherType.Vlan);
            BinaryPrimitives.WriteUInt16BigEndian(tag[2..], (ushort)((added.Priority << 13) | added.Id));
            _draft.Insert(TagOffset, tag);
            isChanged = true;
        }

        // What was long enough for the wire stays so.
        if (before >= ShortestFrame && _draft.OriginalLength < ShortestFrame && !_draft.IsTruncated)
        {
            _draft.PadTo(ShortestFrame);
        }

        return isChanged;
    }
}
