using System.Globalization;

namespace Interceptor.Replay.Rewriting;

/// <summary>What a VLAN tag says.</summary>
/// <param name="Id">0 to 4095.</param>
/// <param name="Priority">0 to 7.</param>
public readonly record struct VlanTag(int Id, int Priority = 0)
{
    /// <summary>Reads <c>ID[,PRIORITY]</c>.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static VlanTag Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int middle = text.IndexOf(',', StringComparison.Ordinal);
        int priority = 0;
        return int.TryParse(middle < 0 ? text : text.AsSpan(0, middle), NumberStyles.None, CultureInfo.InvariantCulture, out int id) && id <= 4095
            && (middle < 0 || (int.TryParse(text.AsSpan(middle + 1), NumberStyles.None, CultureInfo.InvariantCulture, out priority) && priority <= 7))
            ? new VlanTag(id, priority)
            : throw new FormatException("write ID or ID,PRIORITY: an id from 0 to 4095 and a priority from 0 to 7.");
    }
}
