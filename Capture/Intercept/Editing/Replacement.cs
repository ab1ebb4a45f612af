using System.Globalization;
using System.Text;

namespace Interceptor.Capture.Intercept;

/// <summary>One pair of <c>--replace</c>: where <paramref name="Old"/> stands in what a connection carries, <paramref name="New"/> goes on instead.</summary>
/// <param name="Old">What is looked for, byte by byte; at least one byte.</param>
/// <param name="New">What takes its place: any length, empty deletes.</param>
public sealed record Replacement(ReadOnlyMemory<byte> Old, ReadOnlyMemory<byte> New)
{
    /// <summary>
    /// Reads <c>OLD=NEW</c>: text in UTF-8, with <c>\xNN</c>, <c>\r</c>, <c>\n</c>, <c>\t</c>, <c>\\</c> and <c>\=</c>; the first other <c>=</c> divides.
    /// </summary>
    /// <exception cref="FormatException">It is no pair; the message says why.</exception>
    public static Replacement Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var bytes = new List<byte>();
        byte[]? old = null;
        for (int i = 0; i < text.Length;)
        {
            if (text[i] == '\\')
            {
                bytes.Add(Escaped(text, ref i));
            }
            else if (text[i] == '=' && old is null)
            {
                old = [.. bytes];
                bytes.Clear();
                i++;
            }
            else
            {
                int length = char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]) ? 2 : 1;
                bytes.AddRange(Encoding.UTF8.GetBytes(text, i, length));
                i += length;
            }
        }

        return old switch
        {
            null => throw new FormatException("there is no '=' between what is replaced and what takes its place."),
            [] => throw new FormatException("there is nothing before the '=': what is replaced has at least one byte."),
            _ => new Replacement(old, bytes.ToArray()),
        };
    }

    private static byte Escaped(string text, ref int index)
    {
        char kind = index + 1 < text.Length ? text[index + 1] : '\0';
        index += 2;
        switch (kind)
        {
            case 'r':
                return (byte)'\r';
            case 'n':
                return (byte)'\n';
            case 't':
                return (byte)'\t';
            case '\\' or '=':
                return (byte)kind;
            case 'x' when index + 2 <= text.Length && byte.TryParse(text.AsSpan(index, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value):
                index += 2;
                return value;
            default:
                throw new FormatException(@"a backslash begins \xNN (two hexadecimal digits), \r, \n, \t, \\ or \=.");
        }
    }
}
