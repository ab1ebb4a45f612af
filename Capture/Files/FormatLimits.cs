using Interceptor.Packets;

namespace Interceptor.Capture.Files;

/// <summary>What a file may ask for before we believe it is damaged; checked before anything is allocated or waited for.</summary>
internal static class FormatLimits
{
    /// <summary>Bytes of a packet that every file may hold: the largest snap length that tcpdump and Wireshark write.</summary>
    internal const int StandardPacketLength = 256 * 1024;

    /// <summary>Bytes of a packet where the file's own snap length asks for more (D-Bus, USB).</summary>
    internal const int LargestPacketLength = LargestBlockLength - 64;

    /// <summary>Bytes of a pcapng block with its header and trailer, as libpcap limits it.</summary>
    internal const int LargestBlockLength = 16 * 1024 * 1024;

    /// <summary>Interface descriptions of one file: a description is kept, so that their number has to end somewhere.</summary>
    internal const int MostInterfaces = 65536;

    /// <summary>Characters of all their names and descriptions together: a small compressed file can hold gigabytes of them.</summary>
    internal const int MostInterfaceText = 16 * 1024 * 1024;

    /// <summary>Sections of one file whose description is kept.</summary>
    internal const int MostSections = 1024;

    /// <summary>Characters of these descriptions together.</summary>
    internal const int MostSectionText = 1024 * 1024;

    /// <summary>Bytes that a compressed file may unpack to.</summary>
    internal const long MostUnpacked = 64L * 1024 * 1024 * 1024;

    /// <summary>Bytes that a compressed file may unpack to, however small it is.</summary>
    internal const long UnpackedAtAnyRatio = 64L * 1024 * 1024;

    /// <summary>How many times its size a compressed file may unpack to beyond that; deflate reaches 1032 and Zstandard far more, captures hardly 50.</summary>
    internal const int LargestRatio = 500;

    /// <summary>The window of a Zstandard frame as a power of two: what <c>zstd -d</c> takes without being asked, and all that its levels write without <c>--long</c>.</summary>
    internal const int LargestWindowLog = 27;

    /// <summary>Bytes of that window.</summary>
    internal const int LargestWindow = 1 << LargestWindowLog;

    /// <summary>The longest packet that is taken from an interface with this snap length (0: none given).</summary>
    internal static int PacketLength(uint snapLength) =>
        (int)Math.Clamp(snapLength, StandardPacketLength, LargestPacketLength);

    /// <summary>A snap length as a number of bytes that fits an <see cref="int"/>; 0 stays 0: no limit.</summary>
    internal static int SnapLength(uint raw) => (int)Math.Min(raw, int.MaxValue);

    /// <summary>An original length as it is handed on: never less than what was captured, never negative.</summary>
    internal static int OriginalLength(uint recorded, int captured) => (int)Math.Min(Math.Max(recorded, (uint)captured), int.MaxValue);

    /// <summary>The link type in the low 16 bits; above them are the length of a frame check sequence and reserved bits.</summary>
    internal static LinkType LinkTypeOf(uint network) => (LinkType)(network & 0xFFFF);
}
