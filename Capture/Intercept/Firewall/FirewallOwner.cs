using System.Globalization;
using Interceptor.Interop;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Whom rules belong to, as it stands in their comment: <c>interceptor:PID:STARTTIME</c> for a process (its start time in clock ticks since boot tells it
/// from a later process with the same number), <c>interceptor:lock:ID</c> for a lock that outlives its process.
/// </summary>
/// <param name="ProcessId">The process, or 0.</param>
/// <param name="StartTime">Field 22 of its /proc/PID/stat, or 0 where only the chain's name told the process.</param>
/// <param name="LockId">The lock, or null.</param>
public readonly record struct FirewallOwner(int ProcessId, ulong StartTime, string? LockId)
{
    private const string Prefix = "interceptor:";
    private const string LockPrefix = "interceptor:lock:";

    /// <summary>This process.</summary>
    public static FirewallOwner Current { get; } = new(Environment.ProcessId, ProcessIdentity.StartTimeOf(Environment.ProcessId) ?? 0, null);

    /// <summary>True for a lock.</summary>
    public bool IsLock => LockId is not null;

    /// <summary>True while the process is there, with the start time that the comment names. A lock has none.</summary>
    public bool IsAlive => !IsLock && ProcessId > 0 && ProcessIdentity.StartTimeOf(ProcessId) is { } started && (StartTime == 0 || StartTime == started);

    /// <summary>A lock's owner.</summary>
    /// <exception cref="ArgumentException">The id has other characters than letters, digits, <c>-</c> and <c>_</c>, or not 1 to 64 of them.</exception>
    public static FirewallOwner Lock(string id) => IsLockId(id)
        ? new(0, 0, id)
        : throw new ArgumentException($"A lock's id has 1 to 64 letters, digits, '-' and '_', not '{id}'.", nameof(id));

    /// <summary>Reads a rule's comment; false for a foreign one.</summary>
    public static bool TryParse(ReadOnlySpan<char> comment, out FirewallOwner owner)
    {
        owner = default;
        if (comment.StartsWith(LockPrefix, StringComparison.Ordinal))
        {
            string id = comment[LockPrefix.Length..].ToString();
            owner = new(0, 0, id);
            return IsLockId(id);
        }

        if (!comment.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }

        ReadOnlySpan<char> rest = comment[Prefix.Length..];
        int colon = rest.IndexOf(':');
        if (colon < 0 || !int.TryParse(rest[..colon], NumberStyles.None, null, out int pid) ||
            !ulong.TryParse(rest[(colon + 1)..], NumberStyles.None, null, out ulong start))
        {
            return false;
        }

        owner = new(pid, start, null);
        return true;
    }

    /// <summary>As it stands in the comment.</summary>
    public override string ToString() => IsLock
        ? LockPrefix + LockId
        : string.Create(CultureInfo.InvariantCulture, $"{Prefix}{ProcessId}:{StartTime}");

    private static bool IsLockId(string id) =>
        id.Length is >= 1 and <= 64 && id.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_');
}
