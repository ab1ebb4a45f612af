using System.Globalization;

namespace Interceptor.Replay.Rewriting;

/// <summary>One port that becomes another.</summary>
/// <param name="Old">Which port.</param>
/// <param name="New">What it becomes.</param>
public readonly record struct PortMapping(ushort Old, ushort New)
{
    /// <summary>Reads <c>OLD=NEW</c>.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static PortMapping Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int middle = text.IndexOf('=', StringComparison.Ordinal);
        return middle >= 0 && TryParse(text.AsSpan(0, middle), out ushort old) && TryParse(text.AsSpan(middle + 1), out ushort replacement)
            ? new PortMapping(old, replacement)
            : throw new FormatException("write OLD=NEW with numbers from 0 to 65535, as 80=8080.");
    }

    private static bool TryParse(ReadOnlySpan<char> text, out ushort port) => ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port);
}
