using System.Globalization;
using System.Text;

namespace Interceptor.Cli.Output;

/// <summary>
/// Makes text that came from packets, file names or the network safe for a terminal: control characters, escape sequences,
/// bidi overrides and what is no character are shown as <c>\xNN</c> (the UTF-8 bytes).
/// </summary>
internal static class Printable
{
    /// <summary>The text with everything that a terminal would act on made visible.</summary>
    internal static string Escape(string text)
    {
        int index = 0;
        while (index < text.Length && text[index] is >= ' ' and < '\x7F')
        {
            index++;
        }

        if (index == text.Length)
        {
            return text;
        }

        var builder = new StringBuilder(text.Length + 16);
        Span<byte> utf8 = stackalloc byte[4];
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (IsHarmless(rune))
            {
                builder.Append(rune);
                continue;
            }

            int length = rune.EncodeToUtf8(utf8);
            foreach (byte value in utf8[..length])
            {
                builder.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}");
            }
        }

        return builder.ToString();
    }

    /// <summary>Bytes of any kind as text: printable ASCII as it is, CR, LF and TAB and the backslash as in C, all others as <c>\xNN</c>.</summary>
    internal static string EscapeBytes(ReadOnlySpan<byte> bytes)
    {
        var builder = new StringBuilder(bytes.Length + 16);
        foreach (byte value in bytes)
        {
            _ = value switch
            {
                (byte)'\r' => builder.Append("\\r"),
                (byte)'\n' => builder.Append("\\n"),
                (byte)'\t' => builder.Append("\\t"),
                (byte)'\\' => builder.Append("\\\\"),
                >= 0x20 and < 0x7F => builder.Append((char)value),
                _ => builder.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}"),
            };
        }

        return builder.ToString();
    }

    private static bool IsHarmless(Rune rune) => Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.PrivateUse or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
