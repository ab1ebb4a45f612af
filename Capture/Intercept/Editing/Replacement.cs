namespace Interceptor.Capture.Intercept;

/// <summary>One pair of <c>--replace</c>: where <paramref name="Old"/> stands in what a connection carries, <paramref name="New"/> goes on instead.</summary>
/// <param name="Old">What is looked for, byte by byte; at least one byte.</param>
/// <param name="New">What takes its place: any length, empty deletes.</param>
public sealed record Replacement(ReadOnlyMemory<byte> Old, ReadOnlyMemory<byte> New)
{
    /// <summary>
    /// Reads <c>OLD=NEW</c>: text in UTF-8, with <c>\xNN</c>, <c>\r</c>, <c>\n</c>, <c>\t</c>, <c>\0</c>, <c>\\</c> and <c>\=</c>; the first other <c>=</c> divides.
    /// </summary>
    /// <exception cref="FormatException">It is no pair; the message says why.</exception>
    public static Replacement Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int middle = EscapedBytes.IndexOfUnescaped(text, '=');
        if (middle < 0)
        {
            throw new FormatException("there is no '=' between what is replaced and what takes its place.");
        }

        if (middle == 0)
        {
            throw new FormatException("there is nothing before the '=': what is replaced has at least one byte.");
        }

        return EscapedBytes.TryRead(text.AsSpan(0, middle), out byte[] old) && EscapedBytes.TryRead(text.AsSpan(middle + 1), out byte[] @new)
            ? new Replacement(old, @new)
            : throw new FormatException(EscapedBytes.Escapes);
    }
}
