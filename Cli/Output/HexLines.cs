using System.Globalization;
using System.Text;

namespace Interceptor.Cli.Output;

/// <summary>Bytes as lines of sixteen: place, numbers, characters.</summary>
internal static class HexLines
{
    private const int Width = 16;

    /// <summary>Writes them.</summary>
    /// <param name="text">Where to.</param>
    /// <param name="mark">The first character of each line.</param>
    /// <param name="place">Of the first byte.</param>
    /// <param name="data">The bytes.</param>
    internal static void Write(TextWriter text, char mark, long place, ReadOnlySpan<byte> data)
    {
        var line = new StringBuilder(80);
        for (int start = 0; start < data.Length; start += Width)
        {
            ReadOnlySpan<byte> piece = data.Slice(start, Math.Min(Width, data.Length - start));
            line.Clear().Append(CultureInfo.InvariantCulture, $"{mark} {place + start:x8} ");
            for (int i = 0; i < Width; i++)
            {
                line.Append(i == Width / 2 ? "  " : " ");
                line.Append(i < piece.Length ? piece[i].ToString("x2", CultureInfo.InvariantCulture) : "  ");
            }

            line.Append("  ");
            foreach (byte value in piece)
            {
                line.Append(value is >= (byte)' ' and < 0x7f ? (char)value : '.');
            }

            text.WriteLine(line);
        }
    }
}
