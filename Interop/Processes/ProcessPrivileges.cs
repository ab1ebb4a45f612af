using System.Globalization;
using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>The privileges of this process: who it is, and how it becomes somebody else for good.</summary>
internal static class ProcessPrivileges
{
    /// <summary>True as root, whatever a user namespace lets root do.</summary>
    internal static bool IsRoot => Libc.geteuid() == 0;

    /// <summary>True if this process, by its real user, may make files in a directory.</summary>
    internal static bool MayMakeFilesIn(string directory) => Libc.access(directory, Libc.W_OK | Libc.X_OK) == 0;

    /// <summary>True if this process, by its real user, may write into a file that there is.</summary>
    internal static bool MayWrite(string path) => Libc.access(path, Libc.W_OK) == 0;

    /// <summary>
    /// Makes every thread of this process that user's: groups, group, user, and no capability is left that it has or can take up. Then makes sure: each thread's
    /// state is read back, and root is asked for and must be refused. What is open stays open. The inheritable and the bounding set, which give nothing by themselves, stay.
    /// </summary>
    /// <exception cref="LinuxException">
    /// A step failed. The process may then be neither here nor there: the caller ends it, or writes nothing.
    /// </exception>
    internal static void DropTo(UserAccount user)
    {
        string subject = $"user {user.Name} (uid {user.Uid}, gid {user.Gid})";
        Check(Libc.initgroups(user.Name, user.Gid), "initgroups", subject);
        Check(Libc.setresgid(user.Gid, user.Gid, user.Gid), "setresgid", subject);
        Check(Libc.setresuid(user.Uid, user.Uid, user.Uid), "setresuid", subject);
        foreach (string task in Directory.EnumerateDirectories("/proc/self/task"))
        {
            if (LeftIn(Path.Combine(task, "status"), user) is { } left)
            {
                throw new LinuxException(Errno.EPERM, "drop privileges", subject, $"Thread {Path.GetFileName(task)} kept {left}: run with the usual securebits.");
            }
        }

        if (user.Uid != 0 && Libc.setresuid(0, 0, 0) == 0)
        {
            throw new LinuxException(Errno.EPERM, "drop privileges", subject, "Root could be taken back.");
        }
    }

    /// <summary>What a thread still has that it should not, in words; null if nothing, or if the thread has ended.</summary>
    private static string? LeftIn(string statusPath, UserAccount user)
    {
        Dictionary<string, string> fields = StatusFields(statusPath);
        if (fields.Count == 0)
        {
            return null;
        }

        string uid = user.Uid.ToString(CultureInfo.InvariantCulture);
        string gid = user.Gid.ToString(CultureInfo.InvariantCulture);
        foreach ((string key, string number) in (ReadOnlySpan<(string, string)>)[("Uid", uid), ("Gid", gid)])
        {
            if (fields[key].Split('\t').Any(part => part != number))
            {
                return $"{key} {fields[key].Replace('\t', ' ')}";
            }
        }

        foreach (string set in (ReadOnlySpan<string>)["CapPrm", "CapEff", "CapAmb"])
        {
            // A kernel without ambient capabilities (before 4.3) has no such line.
            if (user.Uid != 0 && fields.TryGetValue(set, out string? value) && value.AsSpan().TrimStart('0').Length > 0)
            {
                return $"{set} {value}";
            }
        }

        return null;
    }

    /// <summary>The lines of a status file by their names (proc_pid_status(5)); empty where there is none any more.</summary>
    private static Dictionary<string, string> StatusFields(string path)
    {
        var fields = new Dictionary<string, string>();
        try
        {
            foreach (string line in File.ReadLines(path))
            {
                int colon = line.IndexOf(':');
                if (colon > 0)
                {
                    fields[line[..colon]] = line[(colon + 1)..].Trim();
                }
            }
        }
        catch (IOException)
        {
            fields.Clear();
        }

        return fields;
    }

    private static void Check(int result, string operation, string subject)
    {
        if (result != 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            throw new LinuxException(errno, operation, subject, errno == Errno.EPERM ? "It needs CAP_SETUID and CAP_SETGID: run as root." : null);
        }
    }
}
