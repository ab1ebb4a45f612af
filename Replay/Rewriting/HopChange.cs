using System.Globalization;

namespace Interceptor.Replay.Rewriting;

/// <summary>What becomes of a time to live or hop limit.</summary>
/// <param name="Value">The new value, or by how much it changes.</param>
/// <param name="IsRelative">It changes by <paramref name="Value"/>, and stays between 1 and 255.</param>
public readonly record struct HopChange(int Value, bool IsRelative)
{
    /// <summary>Reads <c>N</c>, <c>+N</c> or <c>-N</c>.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static HopChange Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        bool isRelative = text.Length > 0 && text[0] is '+' or '-';
        return int.TryParse(text.AsSpan(isRelative ? 1 : 0), NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value <= byte.MaxValue
            ? new HopChange(isRelative && text[0] == '-' ? -value : value, isRelative)
            : throw new FormatException("write a number from 0 to 255, or by how much it changes as +1 or -1.");
    }

    /// <summary>What a value becomes.</summary>
    public byte Apply(byte value) => IsRelative ? (byte)Math.Clamp(value + Value, 1, byte.MaxValue) : (byte)Value;
}
