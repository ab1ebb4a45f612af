namespace Interceptor.Capture.Files;

/// <summary>A pcapng block that is no packet, as the file has it. Lent to a <see cref="PcapNgBlockHandler"/> for the time of the call.</summary>
public readonly ref struct PcapNgBlock
{
    internal PcapNgBlock(uint type, ReadOnlySpan<byte> body, bool isBigEndian, TimestampScale scale, int interfaceId)
    {
        Type = type;
        Body = body;
        IsBigEndian = isBigEndian;
        Scale = scale;
        InterfaceId = interfaceId;
    }

    /// <summary>The type (draft-ietf-opsawg-pcapng, section 11.1).</summary>
    public uint Type { get; }

    /// <summary>What is between the two lengths, in the byte order of the section.</summary>
    public ReadOnlySpan<byte> Body { get; }

    /// <summary>True if numbers in it have their highest byte first.</summary>
    public bool IsBigEndian { get; }

    /// <summary>The interface that it describes or counts for, by the reader's numbering over all sections; -1 where it is of none.</summary>
    public int InterfaceId { get; }

    /// <summary>How instants of that interface become nanoseconds.</summary>
    internal TimestampScale Scale { get; }
}

/// <summary>Sees a block between packets. It must not ask the reader for anything.</summary>
/// <param name="block">The block.</param>
public delegate void PcapNgBlockHandler(in PcapNgBlock block);
