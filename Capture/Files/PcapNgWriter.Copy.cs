using Interceptor.Packets;

namespace Interceptor.Capture.Files;

public sealed partial class PcapNgWriter
{
    private const int SectionFieldsLength = 16;
    private const int InterfaceFieldsLength = 8;
    private const int StatisticsFieldsLength = 12;
    private const int SecretsFieldsLength = 8;

    private bool _hasSection;

    /// <summary>Writes a packet with options as another file has them; the interface is chosen as by <see cref="Write(in CapturedPacket)"/>.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="options">Its options, in either byte order.</param>
    public void Write(in CapturedPacket packet, PcapNgOptionList options) => Write(packet, options, PcapNgOptionScope.All);

    /// <summary>The same with only some of the options.</summary>
    internal void Write(in CapturedPacket packet, PcapNgOptionList options, PcapNgOptionScope scope)
    {
        if (options.IsEmpty)
        {
            Write(packet);
            return;
        }

        int id = InterfaceFor(packet.Metadata);
        int room = FixedRoom + PcapNgBlockCopy.RoomFor(packet.Data.Length + options.Bytes.Length);
        PcapNgBlockBuilder block = BeginEnhanced(packet, id, room);
        PcapNgBlockCopy.Options(ref block, PcapNgCodes.EnhancedPacket, options.Bytes, options.IsBigEndian, default, scope);
        block.UInt64Option(PcapNgCodes.PacketDropCount, scope == PcapNgOptionScope.OfPiece ? null : options.DropCountOfBlock);
        AcceptPacket(block.Finish());
    }

    /// <summary>
    /// Writes a block of another file as it is, in this file's byte order and resolution. Left out is what can't be taken over: custom blocks that say so, and
    /// types whose content is not known here.
    /// </summary>
    /// <param name="block">No packet.</param>
    /// <param name="captureInterface">The interface that it describes, if it does.</param>
    /// <param name="scope">Which options of it.</param>
    internal void CopyBlock(in PcapNgBlock block, CaptureInterface? captureInterface, PcapNgOptionScope scope = PcapNgOptionScope.All)
    {
        switch (block.Type)
        {
            case PcapNgCodes.SectionHeader:
                CopySection(block);
                break;
            case PcapNgCodes.InterfaceDescription when captureInterface is not null:
                CopyInterface(block, captureInterface, scope);
                break;
            case PcapNgCodes.InterfaceStatistics:
                CopyStatistics(block);
                break;
            case PcapNgCodes.NameResolution or PcapNgCodes.DecryptionSecrets or PcapNgCodes.JournalExport or PcapNgCodes.CopyableCustom:
                CopyOther(block);
                break;
            default:
                break;
        }
    }

    private protected override void Finish() => RequireSection();

    private protected override int FirstInterfaceOfSection => _sectionStart;

    private void RequireSection()
    {
        if (!_hasSection)
        {
            WriteSection(PcapNgSection.OfThisProcess);
        }
    }

    private void CopySection(in PcapNgBlock source)
    {
        PcapNgBlockBuilder block = Begin(source);
        block.UInt32(PcapNgCodes.ByteOrderMagic);
        block.UInt16(1);
        block.UInt16(0);
        block.UInt64(ulong.MaxValue);
        CopyOptions(ref block, source, SectionFieldsLength);
        Accept(block.Finish());
        _hasSection = true;
        _sectionStart = Interfaces.Count;
    }

    private void CopyInterface(in PcapNgBlock source, CaptureInterface captureInterface, PcapNgOptionScope scope)
    {
        PcapNgBlockBuilder block = Begin(source);
        block.UInt16((ushort)captureInterface.LinkType);
        block.UInt16(0);
        block.UInt32(PcapNgBlockCopy.UInt32(source.Body[4..], source.IsBigEndian));
        CopyOptions(ref block, source, InterfaceFieldsLength, scope);
        block.ByteOption(PcapNgCodes.TimestampResolution, NanosecondResolution);
        Accept(block.Finish());
        RegisterInterface(captureInterface);
    }

    private void CopyStatistics(in PcapNgBlock source)
    {
        ulong counter = ((ulong)PcapNgBlockCopy.UInt32(source.Body[4..], source.IsBigEndian) << 32) | PcapNgBlockCopy.UInt32(source.Body[8..], source.IsBigEndian);
        PcapNgBlockBuilder block = Begin(source);
        block.UInt32((uint)(source.InterfaceId - _sectionStart));
        block.SplitUInt64((ulong)source.Scale.ToTimestamp(counter).Nanoseconds);
        CopyOptions(ref block, source, StatisticsFieldsLength);
        Accept(block.Finish());
    }

    private void CopyOther(in PcapNgBlock source)
    {
        PcapNgBlockBuilder block = Begin(source);
        ReadOnlySpan<byte> body = source.Body;
        switch (source.Type)
        {
            case PcapNgCodes.NameResolution:
                PcapNgBlockCopy.Names(ref block, body, source.IsBigEndian);
                break;
            case PcapNgCodes.CopyableCustom when body.Length >= 4:
                block.UInt32(PcapNgBlockCopy.UInt32(body, source.IsBigEndian));
                block.Bytes(body[4..]);
                break;
            case PcapNgCodes.DecryptionSecrets when body.Length >= SecretsFieldsLength:
                uint length = PcapNgBlockCopy.UInt32(body[4..], source.IsBigEndian);
                int end = SecretsFieldsLength + (int)Math.Min((uint)PcapNgCodes.Padded((int)Math.Min(length, int.MaxValue - 3)), (uint)(body.Length - SecretsFieldsLength));
                block.UInt32(PcapNgBlockCopy.UInt32(body, source.IsBigEndian));
                block.UInt32(length);
                block.Bytes(body[SecretsFieldsLength..end]);
                CopyOptions(ref block, source, end);
                break;
            default:
                block.Bytes(body);
                break;
        }

        Accept(block.Finish());
    }

    private PcapNgBlockBuilder Begin(in PcapNgBlock source) => new(Reserve(PcapNgBlockCopy.RoomFor(source.Body.Length)), source.Type);

    private static void CopyOptions(ref PcapNgBlockBuilder block, in PcapNgBlock source, int start, PcapNgOptionScope scope = PcapNgOptionScope.All) =>
        PcapNgBlockCopy.Options(ref block, source.Type, source.Body[start..], source.IsBigEndian, source.Scale, scope);
}
