using System.Buffers.Text;
using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>Reads what getdents64(2) wrote. Pure; allocates nothing.</summary>
internal static class DirectoryEntries
{
    /// <summary>struct linux_dirent64: inode, offset, length of the record (16 bits at 16), type, then the name.</summary>
    private const int RecordLengthOffset = 16;
    private const int NameOffset = 19;

    /// <summary>Takes the next name off; a zero follows it in the buffer, so a pointer to it is a path.</summary>
    internal static bool TryTake(ref ReadOnlySpan<byte> entries, out ReadOnlySpan<byte> name)
    {
        name = default;
        if (entries.Length < NameOffset)
        {
            return false;
        }

        int length = Math.Min(MemoryMarshal.Read<ushort>(entries[RecordLengthOffset..]), entries.Length);
        name = entries[NameOffset..length];
        name = name[..name.IndexOf((byte)0)];
        entries = entries[length..];
        return true;
    }

    /// <summary>True for a name that is a number, as those of processes, threads and descriptors are.</summary>
    internal static bool TryParse(ReadOnlySpan<byte> digits, out long number) =>
        Utf8Parser.TryParse(digits, out number, out int used) && used == digits.Length && number >= 0;
}
