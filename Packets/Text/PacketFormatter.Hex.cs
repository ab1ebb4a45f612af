namespace Interceptor.Packets;

public sealed partial class PacketFormatter
{
    private const int BytesPerLine = 16;

    private void WriteHexDump(scoped in PacketView packet)
    {
        int start = 0;
        int network = FirstNetworkLayer(packet);
        if (_options.HexDump is HexDumpStyle.Hex or HexDumpStyle.HexAndText or HexDumpStyle.Text)
        {
            start = network < packet.LayerCount ? packet[network].Offset : packet.Innermost.PayloadOffset;
        }

        if (_options.HexDump is HexDumpStyle.Text or HexDumpStyle.TextWithLink)
        {
            WriteText(packet.Data[start..]);
        }
        else
        {
            WriteHexLines(packet.Data[start..], _options.HexDump is HexDumpStyle.HexAndText or HexDumpStyle.HexAndTextWithLink);
        }
    }

    /// <summary>tcpdump's text: lines and tabs stay, a carriage return before a line end goes, and a dot stands for the rest of what is no printable ASCII.</summary>
    private void WriteText(ReadOnlySpan<byte> data)
    {
        _text.Add('\n');
        for (int i = 0; i < data.Length; i++)
        {
            char value = (char)data[i];
            if (value == '\r' && i + 1 < data.Length && data[i + 1] == '\n')
            {
                continue;
            }

            _text.Add(value is (>= ' ' and <= '~') or '\n' or '\t' ? value : '.');
        }
    }

    /// <summary>tcpdump's layout: a tab, the offset, and eight groups of two bytes; with text, the printable characters beside them.</summary>
    private void WriteHexLines(ReadOnlySpan<byte> data, bool withText)
    {
        for (int offset = 0; offset < data.Length; offset += BytesPerLine)
        {
            ReadOnlySpan<byte> line = data.Slice(offset, Math.Min(BytesPerLine, data.Length - offset));
            _text.Add("\n\t0x").Hex((uint)offset, 4).Add(": ");
            for (int i = 0; i < line.Length; i++)
            {
                if (i % 2 == 0)
                {
                    _text.Add(' ');
                }

                _text.Hex(line[i], 2);
            }

            if (!withText)
            {
                continue;
            }

            // A full line of digits is 39 characters and a blank wide.
            int digits = (line.Length * 2) + ((line.Length + 1) / 2);
            for (int i = digits; i < 40; i++)
            {
                _text.Add(' ');
            }

            _text.Add("  ");
            foreach (byte value in line)
            {
                _text.Add(value is >= 0x21 and <= 0x7E ? (char)value : '.');
            }
        }
    }
}
