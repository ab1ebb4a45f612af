using System.Buffers.Binary;

namespace Interceptor.Packets;

public sealed partial class PacketFormatter
{
    private void WriteTcp(scoped in PacketView packet, scoped in Layer layer, scoped in TcpView tcp, IpAddress source, IpAddress destination)
    {
        int length = layer.PayloadLength + _missingLength;
        if (_options.Quiet)
        {
            _text.Add("tcp ").Add(length);
            return;
        }

        TcpFlags flags = tcp.Flags;
        WriteFlags(flags);
        TcpSequenceNumbers numbers = _origins?.Number(source, destination, tcp) ?? TcpSequenceNumbers.Absolute(tcp);
        if (_isVerbose && _missingLength == 0)
        {
            WriteTcpChecksum(packet, tcp);
        }

        if (length > 0 || _options.Verbosity > 1 || (flags & (TcpFlags.Syn | TcpFlags.Fin | TcpFlags.Rst)) != 0)
        {
            _text.Add(", seq ").Add(numbers.Sequence);
            if (length > 0)
            {
                _text.Add(':').Add(unchecked(numbers.Sequence + (uint)length));
            }
        }

        if ((flags & TcpFlags.Ack) != 0)
        {
            _text.Add(", ack ").Add(numbers.Acknowledgment);
        }

        _text.Add(", win ").Add(tcp.WindowField);
        if ((flags & TcpFlags.Urg) != 0)
        {
            _text.Add(", urg ").Add(tcp.UrgentPointer);
        }

        bool areOptionsGood = true;
        if (!tcp.Options.IsEmpty)
        {
            _text.Add(", options [");
            areOptionsGood = WriteTcpOptions(tcp.Options, numbers.SackOrigin);
            _text.Add(areOptionsGood ? "]" : "");
        }

        if (areOptionsGood)
        {
            _text.Add(", length ").Add(length);
        }
    }

    private void WriteTcpChecksum(scoped in PacketView packet, scoped in TcpView tcp)
    {
        ChecksumReport report = PacketChecksums.Verify(packet);
        if (report.Transport is ChecksumStatus.Correct)
        {
            _text.Add(", cksum 0x").Hex(tcp.Checksum, 4).Add(" (correct)");
        }
        else if (report.Transport is ChecksumStatus.Incorrect or ChecksumStatus.Offloaded)
        {
            _text.Add(", ");
            Paint(Red).Add("cksum 0x").Hex(tcp.Checksum, 4).Add(" (incorrect -> 0x").Hex(report.TransportExpected, 4).Add(')');
            Paint(Plain);
        }
    }

    private void WriteFlags(TcpFlags flags)
    {
        string? color = ColorOf(flags);
        _text.Add("Flags ");
        if (color is not null)
        {
            Paint(color);
        }

        _text.Add('[');
        WriteFlagLetters(flags);
        _text.Add(']');
        if (color is not null)
        {
            Paint(Plain);
        }
    }

    private void WriteFlagLetters(TcpFlags flags)
    {
        if ((flags & (TcpFlags)0x1FF) == 0)
        {
            _text.Add("none");
            return;
        }

        // tcpdump's order; e is accurate ECN.
        ReadOnlySpan<char> letters = "FSRP.UEWe";
        for (int i = 0; i < letters.Length; i++)
        {
            if (((int)flags & (1 << i)) != 0)
            {
                _text.Add(letters[i]);
            }
        }
    }

    /// <summary>Returns false where an option has an impossible length.</summary>
    private bool WriteTcpOptions(ReadOnlySpan<byte> options, uint sackOrigin)
    {
        for (int offset = 0; offset < options.Length;)
        {
            if (offset > 0)
            {
                _text.Add(',');
            }

            var kind = (TcpOptionKind)options[offset];
            if (kind == TcpOptionKind.EndOfList)
            {
                _text.Add("eol");
                return true;
            }

            if (kind == TcpOptionKind.NoOperation)
            {
                _text.Add("nop");
                offset++;
                continue;
            }

            int length = offset + 1 < options.Length ? options[offset + 1] : 0;
            if (length < 2 || length > options.Length - offset)
            {
                // tcpdump closes the list only where a length is too long.
                _text.Add(length < 2 ? "[bad opt]" : "[bad opt]]");
                return false;
            }

            WriteTcpOption(kind, options.Slice(offset + 2, length - 2), sackOrigin);
            offset += length;
        }

        return true;
    }

    private void WriteTcpOption(TcpOptionKind kind, ReadOnlySpan<byte> data, uint sackOrigin)
    {
        switch (kind)
        {
            case TcpOptionKind.MaximumSegmentSize when data.Length == 2:
                _text.Add("mss ").Add(BinaryPrimitives.ReadUInt16BigEndian(data));
                break;
            case TcpOptionKind.WindowScale when data.Length == 1:
                _text.Add("wscale ").Add(data[0]);
                break;
            case TcpOptionKind.SackPermitted when data.IsEmpty:
                _text.Add("sackOK");
                break;
            case TcpOptionKind.Timestamps when data.Length == 8:
                _text.Add("TS val ").Add(BinaryPrimitives.ReadUInt32BigEndian(data)).Add(" ecr ").Add(BinaryPrimitives.ReadUInt32BigEndian(data[4..]));
                break;
            case TcpOptionKind.Sack when data.Length % 8 == 0:
                _text.Add("sack ").Add(data.Length / 8).Add(' ');
                for (int i = 0; i < data.Length; i += 8)
                {
                    _text.Add('{').Add(unchecked(BinaryPrimitives.ReadUInt32BigEndian(data[i..]) - sackOrigin)).Add(':')
                        .Add(unchecked(BinaryPrimitives.ReadUInt32BigEndian(data[(i + 4)..]) - sackOrigin)).Add('}');
                }

                break;
            case TcpOptionKind.FastOpen:
                _text.Add(data.IsEmpty ? "tfo cookiereq" : "tfo cookie ").Hex(data);
                break;
            case (TcpOptionKind)254 when data.Length >= 2 && BinaryPrimitives.ReadUInt16BigEndian(data) == 0xF989:
                _text.Add(data.Length == 2 ? "exp-tfo cookiereq" : "exp-tfo cookie ").Hex(data[2..]);
                break;
            default:
                _text.Add(OptionName((int)kind));
                if (OptionName((int)kind) is "unknown")
                {
                    _text.Add('-').Add((int)kind);
                }

                if (!data.IsEmpty)
                {
                    _text.Add(" 0x").Hex(data);
                }

                break;
        }
    }

    private static string OptionName(int kind) => kind switch
    {
        2 => "mss",
        3 => "wscale",
        4 => "sackOK",
        5 => "sack",
        6 => "echo",
        7 => "echoreply",
        8 => "TS",
        19 => "md5",
        20 => "scps",
        28 => "uto",
        29 => "tcp-ao",
        30 => "mptcp",
        253 or 254 => "exp",
        _ => "unknown",
    };
}
