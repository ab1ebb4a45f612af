namespace Interceptor.Capture.Files;

/// <summary>
/// The options of a pcapng block as the file has them. Lent: valid until the reader is asked for the next packet. The default has none.
/// </summary>
public readonly ref struct PcapNgOptionList
{
    internal PcapNgOptionList(ReadOnlySpan<byte> bytes, bool isBigEndian)
    {
        Bytes = bytes;
        IsBigEndian = isBigEndian;
    }

    /// <summary>Code, length, value and padding of each, in the byte order of the section.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>True if numbers in them have their highest byte first.</summary>
    public bool IsBigEndian { get; }
}
