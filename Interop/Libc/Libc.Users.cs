using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// Users and the privileges of this process. glibc applies setresuid, setresgid and initgroups to every thread of the process (nptl(7)), where the system calls
/// behind them change the calling thread alone.
/// </summary>
internal static unsafe partial class Libc
{
    /// <summary><c>struct passwd</c> of 64-bit glibc.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct passwd
    {
        internal nint pw_name;
        internal nint pw_passwd;
        internal uint pw_uid;
        internal uint pw_gid;
        internal nint pw_gecos;
        internal nint pw_dir;
        internal nint pw_shell;
    }

    /// <summary>Returns an error number, and does not set errno.</summary>
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int getpwnam_r(string name, passwd* entry, byte* buffer, nuint length, passwd** result);

    /// <summary>Returns an error number, and does not set errno.</summary>
    [LibraryImport(Library)]
    internal static partial int getpwuid_r(uint uid, passwd* entry, byte* buffer, nuint length, passwd** result);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int initgroups(string user, uint group);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int setresgid(uint real, uint effective, uint saved);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int setresuid(uint real, uint effective, uint saved);
}
