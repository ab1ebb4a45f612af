using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Interceptor.Interop;

/// <summary>A user as the system's user database has it.</summary>
/// <param name="Name">The name.</param>
/// <param name="Uid">The number.</param>
/// <param name="Gid">The number of the group that new files get.</param>
internal sealed unsafe record UserAccount(string Name, uint Uid, uint Gid)
{
    private const int FirstLength = 1024;
    private const int LastLength = 1024 * 1024;

    private delegate int Query(Libc.passwd* entry, byte* buffer, nuint length, Libc.passwd** result);

    /// <summary>The user of a name, or of a number in digits; null where there is none.</summary>
    /// <exception cref="LinuxException">The user database can't be read.</exception>
    internal static UserAccount? Find(string user) =>
        uint.TryParse(user, NumberStyles.None, CultureInfo.InvariantCulture, out uint uid)
            ? Ask((entry, buffer, length, result) => Libc.getpwuid_r(uid, entry, buffer, length, result), user)
            : user.Contains('\0') ? null : Ask((entry, buffer, length, result) => Libc.getpwnam_r(user, entry, buffer, length, result), user);

    private static UserAccount? Ask(Query query, string user)
    {
        for (int length = FirstLength; ; length *= 4)
        {
            byte[] buffer = new byte[length];
            fixed (byte* pointer = buffer)
            {
                Libc.passwd entry;
                Libc.passwd* found = null;
                int errno = query(&entry, pointer, (nuint)length, &found);
                switch (errno)
                {
                    case Errno.EINTR:
                    case Errno.ERANGE when length < LastLength:
                        continue;
                    case 0 when found is not null:
                        return new UserAccount(Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated((byte*)found->pw_name)), found->pw_uid, found->pw_gid);
                    case 0 or Errno.ENOENT or Errno.ESRCH or Errno.EBADF or Errno.EPERM:
                        // What getpwnam(3) lists as "not found", depending on the database.
                        return null;
                    default:
                        throw new LinuxException(errno, "look up", $"user {user}");
                }
            }
        }
    }
}
