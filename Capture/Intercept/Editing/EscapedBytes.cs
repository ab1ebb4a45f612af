using System.Globalization;
using System.Text;

namespace Interceptor.Capture.Intercept;

/// <summary>Bytes as people write them: text in UTF-8, with <c>\n \r \t \0 \\ \= \xNN</c>.</summary>
internal static class EscapedBytes
{
    /// <summary>What may follow a backslash, for people.</summary>
    internal const string Escapes = @"a backslash is followed by n, r, t, 0, \, = or x and two hexadecimal digits.";

    private const string Names = "nrt0\\=";

    /// <summary>False if a backslash is followed by something else.</summary>
    internal static bool TryRead(ReadOnlySpan<char> text, out byte[] bytes)
    {
        var result = new List<byte>(text.Length);
        bytes = [];
        while (!text.IsEmpty)
        {
            int plain = text.IndexOf('\\');
            plain = plain < 0 ? text.Length : plain;
            result.AddRange(Encoding.UTF8.GetBytes(text[..plain].ToString()));
            text = text[plain..];
            if (!text.IsEmpty && !TryReadEscape(ref text, result))
            {
                return false;
            }
        }

        bytes = [.. result];
        return true;
    }

    /// <summary>Where the first character stands that no backslash precedes; -1 for nowhere.</summary>
    internal static int IndexOfUnescaped(ReadOnlySpan<char> text, char character)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == character)
            {
                return i;
            }

            i += text[i] == '\\' ? 1 : 0;
        }

        return -1;
    }

    private static bool TryReadEscape(ref ReadOnlySpan<char> text, List<byte> result)
    {
        if (text.Length < 2)
        {
            return false;
        }

        int known = Names.IndexOf(text[1], StringComparison.Ordinal);
        if (known >= 0)
        {
            result.Add("\n\r\t\0\\="u8[known]);
            text = text[2..];
            return true;
        }

        if (text[1] != 'x' || text.Length < 4 || !byte.TryParse(text.Slice(2, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value))
        {
            return false;
        }

        result.Add(value);
        text = text[4..];
        return true;
    }
}
