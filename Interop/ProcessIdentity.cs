using System.Globalization;

namespace Interceptor.Interop;

/// <summary>
/// Names a process in what may outlive it: its number and its start time, which tells it from a later process with the same number. Any thread.
/// </summary>
internal static class ProcessIdentity
{
    /// <summary>This process, as <c>4242-1234567</c>.</summary>
    internal static string Current { get; } = string.Create(
        CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{StartTimeOf(Environment.ProcessId) ?? 0}");

    /// <summary>True if <paramref name="identity"/> is one as <see cref="Current"/> gives it, and that process has ended.</summary>
    internal static bool IsOfTheDead(ReadOnlySpan<char> identity)
    {
        int dash = identity.IndexOf('-');
        return dash > 0 && int.TryParse(identity[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
            && ulong.TryParse(identity[(dash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out ulong start)
            && pid > 0 && start > 0 && StartTimeOf(pid) != start;
    }

    /// <summary>
    /// A process's start time in clock ticks since boot (field 22 of /proc/PID/stat); null where there is no such process (a zombie has ended).
    /// </summary>
    internal static ulong? StartTimeOf(int pid)
    {
        try
        {
            // pid (comm) state ppid ...: comm may contain blanks and parentheses, so fields count from the last ')'.
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields.Length > 19 && fields[0] is not ("Z" or "X") && ulong.TryParse(fields[19], out ulong start) ? start : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
