using System.Buffers.Binary;

namespace Interceptor.Packets;

/// <summary>Option kinds (IANA) that have accessors.</summary>
public enum TcpOptionKind : byte
{
    /// <summary>End of the option list.</summary>
    EndOfList = 0,

    /// <summary>Padding of one byte.</summary>
    NoOperation = 1,

    /// <summary>Maximum segment size, on SYN.</summary>
    MaximumSegmentSize = 2,

    /// <summary>Window scale, on SYN (RFC 7323).</summary>
    WindowScale = 3,

    /// <summary>SACK permitted, on SYN (RFC 2018).</summary>
    SackPermitted = 4,

    /// <summary>Selective acknowledgment blocks (RFC 2018).</summary>
    Sack = 5,

    /// <summary>Timestamps (RFC 7323).</summary>
    Timestamps = 8,

    /// <summary>Multipath TCP (RFC 8684).</summary>
    Multipath = 30,

    /// <summary>Fast Open cookie (RFC 7413).</summary>
    FastOpen = 34,
}

/// <summary>One option as it stands in the header.</summary>
public readonly ref struct TcpOption
{
    internal TcpOption(TcpOptionKind kind, ReadOnlySpan<byte> data)
    {
        Kind = kind;
        Data = data;
    }

    /// <summary>Its kind; unnamed values are passed through.</summary>
    public TcpOptionKind Kind { get; }

    /// <summary>The bytes behind kind and length.</summary>
    public ReadOnlySpan<byte> Data { get; }
}

/// <summary>
/// Walks TCP options. Always ends: an option whose length is 0 or 1, or runs past the header, ends the walk with
/// <see cref="IsMalformed"/> set. The end-of-list option ends it too; no-operations are skipped.
/// </summary>
public ref struct TcpOptionEnumerator
{
    private readonly ReadOnlySpan<byte> _options;
    private int _offset;

    internal TcpOptionEnumerator(ReadOnlySpan<byte> options) => _options = options;

    /// <summary>The option that the last <see cref="MoveNext"/> found.</summary>
    public TcpOption Current { get; private set; }

    /// <summary>True after the walk met an option whose length is impossible.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>For <c>foreach</c>.</summary>
    public readonly TcpOptionEnumerator GetEnumerator() => this;

    /// <summary>Goes to the next option other than padding.</summary>
    public bool MoveNext()
    {
        while (_offset < _options.Length)
        {
            var kind = (TcpOptionKind)_options[_offset];
            if (kind == TcpOptionKind.EndOfList)
            {
                break;
            }

            if (kind == TcpOptionKind.NoOperation)
            {
                _offset++;
                continue;
            }

            int length = _offset + 1 < _options.Length ? _options[_offset + 1] : 0;
            if (length < 2 || _offset + length > _options.Length)
            {
                IsMalformed = true;
                break;
            }

            Current = new TcpOption(kind, _options.Slice(_offset + 2, length - 2));
            _offset += length;
            return true;
        }

        _offset = _options.Length;
        Current = default;
        return false;
    }
}

/// <summary>The options that the TCP model uses, gathered in one pass; an option of the wrong length is left out.</summary>
public readonly record struct TcpOptionSummary
{
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

/// <summary>One SACK block: [<paramref name="Left"/>, <paramref name="Right"/>).</summary>
/// <param name="Left">First sequence number of the block.</param>
/// <param name="Right">The number behind its last.</param>
public readonly record struct SackBlock(SequenceNumber Left, SequenceNumber Right);
