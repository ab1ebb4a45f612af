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

    /// <summary>The process that a thread belongs to, itself for its first thread; null where there is no such thread.</summary>
    internal static int? ProcessOfThread(int thread)
    {
        const string Key = "Tgid:";
        try
        {
            string? line = File.ReadLines($"/proc/{thread}/status").FirstOrDefault(static line => line.StartsWith(Key, StringComparison.Ordinal));
            return int.TryParse(line.AsSpan(line is null ? 0 : Key.Length), CultureInfo.InvariantCulture, out int pid) ? pid : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A process's name (/proc/PID/comm), which it may set itself; empty where there is no such process.</summary>
    internal static string NameOf(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/comm").TrimEnd('\n');
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    /// <summary>The name of a process's program without directories; empty where it may not be looked at, or runs none (a kernel thread).</summary>
    internal static string ProgramOf(int pid)
    {
        const string Deleted = " (deleted)";
        try
        {
            string name = Path.GetFileName(File.ResolveLinkTarget($"/proc/{pid}/exe", returnFinalTarget: false)?.FullName) ?? "";
            return name.EndsWith(Deleted, StringComparison.Ordinal) ? name[..^Deleted.Length] : name;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
