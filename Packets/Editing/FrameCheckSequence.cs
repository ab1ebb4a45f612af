namespace Interceptor.Packets;

/// <summary>The 32-bit frame check sequence of IEEE 802 links (802.3, 3.2.9), as it is sent: lowest byte first.</summary>
public static class FrameCheckSequence
{
    private const uint Polynomial = 0xEDB88320;

    private static readonly uint[] Table = [.. Enumerable.Range(0, 256).Select(static value => Entry((uint)value))];

    /// <summary>That of a frame.</summary>
    public static uint Compute(ReadOnlySpan<byte> frame)
    {
        uint remainder = uint.MaxValue;
        foreach (byte value in frame)
        {
            remainder = Table[(byte)(remainder ^ value)] ^ (remainder >> 8);
        }

        return ~remainder;
    }

    private static uint Entry(uint value)
    {
        for (int bit = 0; bit < 8; bit++)
        {
            value = (value & 1) == 0 ? value >> 1 : (value >> 1) ^ Polynomial;
        }

        return value;
    }
}
