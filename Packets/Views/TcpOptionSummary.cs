using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>The options that the TCP model uses, gathered in one pass; an option of the wrong length is left out.</summary>
public readonly record struct TcpOptionSummary
{
    // Two no-operations, the kind and the length.
    private const uint AlignedTimestamps = 0x0101080A;

    /// <summary>MSS, or null.</summary>
    public ushort? MaximumSegmentSize { get; init; }

    /// <summary>Shift count as sent (may exceed 14, which RFC 7323 treats as 14), or null.</summary>
    public byte? WindowScale { get; init; }

    /// <summary>SACK permitted was there.</summary>
    public bool SackPermitted { get; init; }

    /// <summary>Timestamps were there.</summary>
    public bool HasTimestamps { get; init; }

    /// <summary>TSval.</summary>
    public uint TimestampValue { get; init; }

    /// <summary>TSecr.</summary>
    public uint TimestampEcho { get; init; }

    /// <summary>SACK blocks, 0 to 4.</summary>
    public int SackBlockCount { get; init; }

    /// <summary>Gathers them from a header.</summary>
    public static TcpOptionSummary Read(in TcpView tcp)
    {
        // The layout of nearly all segments behind a handshake: timestamps alone, aligned by two no-operations (RFC 7323, appendix A).
        ReadOnlySpan<byte> options = tcp.Options;
        if (options.Length == 12 && BinaryPrimitives.ReadUInt32BigEndian(options) == AlignedTimestamps)
        {
            return new TcpOptionSummary
            {
                HasTimestamps = true,
                TimestampValue = BinaryPrimitives.ReadUInt32BigEndian(options[4..]),
                TimestampEcho = BinaryPrimitives.ReadUInt32BigEndian(options[8..]),
            };
        }

        return options.IsEmpty ? default : ReadEach(in tcp);
    }

    private static TcpOptionSummary ReadEach(in TcpView tcp)
    {
        ushort? mss = null;
        byte? scale = null;
        bool permitted = false;
        bool hasTimestamps = false;
        uint value = 0;
        uint echo = 0;
        int blocks = 0;
        foreach (TcpOption option in tcp.EnumerateOptions())
        {
            switch (option.Kind)
            {
                case TcpOptionKind.MaximumSegmentSize when option.Data.Length == 2:
                    mss = BinaryPrimitives.ReadUInt16BigEndian(option.Data);
                    break;
                case TcpOptionKind.WindowScale when option.Data.Length == 1:
                    scale = option.Data[0];
                    break;
                case TcpOptionKind.SackPermitted when option.Data.IsEmpty:
                    permitted = true;
                    break;
                case TcpOptionKind.Timestamps when option.Data.Length == 8:
                    hasTimestamps = true;
                    value = BinaryPrimitives.ReadUInt32BigEndian(option.Data);
                    echo = BinaryPrimitives.ReadUInt32BigEndian(option.Data[4..]);
                    break;
                case TcpOptionKind.Sack when option.Data.Length % 8 == 0:
                    blocks = option.Data.Length / 8;
                    break;
                default:
                    break;
            }
        }

        return new TcpOptionSummary
        {
            MaximumSegmentSize = mss,
            WindowScale = scale,
            SackPermitted = permitted,
            HasTimestamps = hasTimestamps,
            TimestampValue = value,
            TimestampEcho = echo,
            SackBlockCount = blocks,
        };
    }

    /// <summary>Copies the SACK blocks of a header; returns how many fit.</summary>
    public static int ReadSackBlocks(in TcpView tcp, Span<SackBlock> destination)
    {
        int count = 0;
        foreach (TcpOption option in tcp.EnumerateOptions())
        {
            if (option.Kind != TcpOptionKind.Sack || option.Data.Length % 8 != 0)
            {
                continue;
            }

            for (int i = 0; i + 8 <= option.Data.Length && count < destination.Length; i += 8)
            {
                destination[count++] = new SackBlock(
                    new SequenceNumber(BinaryPrimitives.ReadUInt32BigEndian(option.Data[i..])),
                    new SequenceNumber(BinaryPrimitives.ReadUInt32BigEndian(option.Data[(i + 4)..])));
            }
        }

        return count;
    }
}
