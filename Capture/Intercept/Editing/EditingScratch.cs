namespace Interceptor.Capture.Intercept;

/// <summary>What the connections of one worker share while one of their segments is worked on: room for bytes, and what they count.</summary>
internal sealed class EditingScratch
{
    /// <summary>Bytes that all connections together may keep beyond gaps.</summary>
    internal const long MaximumAheadBytes = 64 << 20;

    /// <summary>For the matching over two segments.</summary>
    internal byte[] Joined = [];

    /// <summary>The headers of the segment that is sent on.</summary>
    internal byte[] Header = new byte[256];

    /// <summary>What is sent on; grows where replacements do.</summary>
    internal byte[] Packet = new byte[4096];

    internal SegmentBuilder Builder { get; } = new();

    /// <summary>Bytes that wait beyond gaps.</summary>
    internal long AheadBytes { get; set; }

    /// <summary>Replacements decided; each counts once, however often its segment is sent.</summary>
    internal long Replacements { get; set; }

    /// <summary>Bytes by which they made what is carried longer; negative for shorter.</summary>
    internal long Growth { get; set; }

    internal void Count((int Count, long Growth) decided)
    {
        Replacements += decided.Count;
        Growth += decided.Growth;
    }

    internal Span<byte> RoomForHeader(int length)
    {
        if (Header.Length < length)
        {
            Header = new byte[length];
        }

        return Header;
    }

    internal Span<byte> RoomForPacket(int length)
    {
        if (Packet.Length < length)
        {
            Packet = new byte[Math.Max(length, 2 * Packet.Length)];
        }

        return Packet.AsSpan(0, length);
    }
}
