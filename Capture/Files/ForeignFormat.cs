namespace Interceptor.Capture.Files;

/// <summary>Names what is neither pcap nor pcapng, where its first bytes tell, with the tool that makes one of them of it.</summary>
internal static class ForeignFormat
{
    /// <summary>First bytes that are looked at, where there are so many.</summary>
    internal const int HeadLength = 16;

    private const string Convert = "convert it with: editcap -F pcapng FILE OUT.pcapng";

    /// <summary>Why a file with this beginning is not read, as a clause.</summary>
    internal static string Describe(ReadOnlySpan<byte> head) => Find(head) is var (name, remedy)
        ? $"this is neither pcap nor pcapng: it looks like {name}; {remedy}"
        : $"this is neither pcap nor pcapng: it begins with {FirstBytes(head)}";

    // The signatures of Wireshark's wiretap and of file(1).
    private static (string Name, string Remedy)? Find(ReadOnlySpan<byte> head) =>
        head.StartsWith("snoop\0\0\0"u8) ? ("snoop, Solaris's format", Convert)
        : head.StartsWith("btsnoop\0"u8) ? ("btsnoop, Android's Bluetooth log", Convert)
        : head.StartsWith("iptrace "u8) ? ("an iptrace of AIX", Convert)
        : head.StartsWith("RTSS"u8) || head.StartsWith("GMBU"u8) ? ("a capture of Microsoft Network Monitor", Convert)
        : head.StartsWith("TRSNIFF data"u8) || head.StartsWith("XCP\0"u8) ? ("a Sniffer capture", Convert)
        : head.StartsWith((ReadOnlySpan<byte>)[0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0]) ? ("a file compressed with xz", "unpack it with: xz -d")
        : head.StartsWith("BZh"u8) ? ("a file compressed with bzip2", "unpack it with: bzip2 -d")
        : head.StartsWith((ReadOnlySpan<byte>)[0x04, 0x22, 0x4D, 0x18]) ? ("a file compressed with LZ4", "unpack it with: lz4 -d")
        : head.StartsWith("PK\u0003\u0004"u8) ? ("a ZIP archive", "unpack it with: unzip")
        : null;

    private static string FirstBytes(ReadOnlySpan<byte> head) =>
        string.Join(' ', head[..4].ToArray().Select(static each => each.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)));
}
