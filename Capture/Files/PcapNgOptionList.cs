namespace Interceptor.Capture.Files;

/// <summary>
/// The options of a pcapng block as the file has them. Lent: valid until the reader is asked for the next packet. The default has none.
/// </summary>
public readonly ref struct PcapNgOptionList
{
    internal PcapNgOptionList(ReadOnlySpan<byte> bytes, bool isBigEndian, ulong? dropCountOfBlock)
    {
        Bytes = bytes;
        IsBigEndian = isBigEndian;
        DropCountOfBlock = dropCountOfBlock;
    }

    /// <summary>True where the file says nothing of the packet.</summary>
    public bool IsEmpty => Bytes.IsEmpty && DropCountOfBlock is null;

    /// <summary>What <see cref="ReadDropCount"/> gives as an obsolete packet block has it, which is no option there; null for every other block.</summary>
    internal ulong? DropCountOfBlock { get; }

    /// <summary>Code, length, value and padding of each, in the byte order of the section.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>True if numbers in them have their highest byte first.</summary>
    public bool IsBigEndian { get; }

    /// <summary>How many comments (opt_comment) there are. Allocates nothing.</summary>
    public int CountComments()
    {
        int count = 0;
        var reader = new PcapNgOptionReader(Bytes, IsBigEndian);
        while (reader.MoveNext())
        {
            count += reader.Code == PcapNgCodes.Comment ? 1 : 0;
        }

        return count;
    }

    /// <summary>Packets dropped on the interface between its packet before and this one (epb_dropcount); null where it is not recorded. Allocates nothing.</summary>
    public ulong? ReadDropCount()
    {
        ulong? count = DropCountOfBlock;
        var reader = new PcapNgOptionReader(Bytes, IsBigEndian);
        while (reader.MoveNext())
        {
            count = reader.Code == PcapNgCodes.PacketDropCount ? reader.UInt64() : count;
        }

        return count;
    }

    /// <summary>All comments (opt_comment), as text; any text can be in them.</summary>
    public IReadOnlyList<string> ReadComments()
    {
        var comments = new List<string>();
        var reader = new PcapNgOptionReader(Bytes, IsBigEndian);
        while (reader.MoveNext())
        {
            if (reader.Code == PcapNgCodes.Comment)
            {
                comments.Add(reader.Text());
            }
        }

        return comments;
    }
}
