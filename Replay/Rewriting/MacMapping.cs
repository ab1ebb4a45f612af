using Interceptor.Packets;

namespace Interceptor.Replay.Rewriting;

/// <summary>One Ethernet address that becomes another.</summary>
/// <param name="Old">Which address.</param>
/// <param name="New">What it becomes.</param>
public readonly record struct MacMapping(MacAddress Old, MacAddress New)
{
    /// <summary>Reads <c>OLD=NEW</c>.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static MacMapping Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int middle = text.IndexOf('=', StringComparison.Ordinal);
        return middle >= 0 && MacAddress.TryParse(text.AsSpan(0, middle), out MacAddress old) && MacAddress.TryParse(text.AsSpan(middle + 1), out MacAddress replacement)
            ? new MacMapping(old, replacement)
            : throw new FormatException("write OLD=NEW, as 02:00:00:00:00:01=02:00:00:00:00:02.");
    }
}
