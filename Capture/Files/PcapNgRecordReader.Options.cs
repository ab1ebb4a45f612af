using Interceptor.Packets;

namespace Interceptor.Capture.Files;

/// <content>The options of blocks.</content>
internal sealed partial class PcapNgRecordReader
{
    internal override PcapNgOptionList Options => new(
        _optionsLength == 0 ? default : Buffer.PeekBehind(_optionsDistance, _optionsLength), _swapped, _dropsOfPacket == UnknownDrops ? null : _dropsOfPacket);

    internal override PcapNgPacketOptions ReadOptions()
    {
        PcapNgPacketOptions options = new() { DropCount = Options.DropCountOfBlock };
        if (_optionsLength == 0)
        {
            return options;
        }

        var reader = new PcapNgOptionReader(Buffer.PeekBehind(_optionsDistance, _optionsLength), _swapped);
        while (reader.MoveNext())
        {
            options = reader.Code switch
            {
                PcapNgCodes.Comment when options.Comment is null => options with { Comment = reader.Text() },
                PcapNgCodes.PacketHash when options.Hash is null && reader.Value.Length > 0 => options with
                {
                    Hash = new PcapNgHash((PcapNgHashAlgorithm)reader.Value[0], reader.Value[1..].ToArray()),
                },
                PcapNgCodes.PacketFlags => options with { Flags = reader.UInt32() },
                PcapNgCodes.PacketDropCount => options with { DropCount = reader.UInt64() },
                PcapNgCodes.PacketId => options with { PacketId = reader.UInt64() },
                PcapNgCodes.PacketQueue => options with { Queue = reader.UInt32() },
                PcapNgCodes.PacketVerdict when reader.Value.Length == 9 => options with
                {
                    Verdict = new PcapNgVerdict((PcapNgVerdictSource)reader.Value[0], ReadUInt64(reader.Value[1..])),
                },
                _ => options,
            };
        }

        return options;
    }

    private PcapNgSection ReadSectionOptions(ReadOnlySpan<byte> options)
    {
        PcapNgSection section = PcapNgSection.Empty;
        var reader = new PcapNgOptionReader(options, _swapped);
        while (reader.MoveNext())
        {
            section = reader.Code switch
            {
                PcapNgCodes.Comment => section with { Comment = section.Comment ?? reader.Text() },
                PcapNgCodes.SectionHardware => section with { Hardware = reader.Text() },
                PcapNgCodes.SectionOs => section with { OperatingSystem = reader.Text() },
                PcapNgCodes.SectionApplication => section with { Application = reader.Text() },
                _ => section,
            };
        }

        return section;
    }

    private CaptureInterface WithText(CaptureInterface described, in PcapNgOptionReader reader)
    {
        // The first octet of a filter says what it is; 0 is an expression, 1 a program.
        if (reader.Code is not (PcapNgCodes.Comment or PcapNgCodes.InterfaceName or PcapNgCodes.InterfaceDescriptionText or PcapNgCodes.InterfaceOs
            or PcapNgCodes.InterfaceHardware) && (reader.Code != PcapNgCodes.InterfaceFilter || reader.Value.IsEmpty || reader.Value[0] != 0))
        {
            return described;
        }

        string text = reader.Text();
        _interfaceText += text.Length;
        return reader.Code switch
        {
            PcapNgCodes.Comment => described with { Comment = described.Comment ?? text },
            PcapNgCodes.InterfaceName => described with { Name = text },
            PcapNgCodes.InterfaceDescriptionText => described with { Description = text },
            PcapNgCodes.InterfaceOs => described with { OperatingSystem = text },
            PcapNgCodes.InterfaceHardware => described with { Hardware = text },
            _ => described with { Filter = text.Length > 1 ? text[1..] : null },
        };
    }

    private static CaptureTimestamp? InstantOf(in PcapNgOptionReader reader, in TimestampScale scale) =>
        reader.SplitTime() is { } counter ? scale.ToTimestamp(counter) : null;
}
