using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>Replaces this process by another program (execvpe), handing it one descriptor under a fixed number.</summary>
internal static unsafe class ProgramImage
{
    /// <summary>
    /// Does not return unless it fails. <paramref name="descriptor"/> becomes <paramref name="number"/> and stays open across the exec;
    /// SIGPIPE, which .NET ignores, gets its default back. Every other thread of this process ends.
    /// </summary>
    /// <exception cref="LinuxException">The program can't be started: ENOENT, EACCES, ...; the descriptor is still open.</exception>
    internal static void Replace(string[] command, IEnumerable<string> environment, FileDescriptor descriptor, int number)
    {
        if (descriptor.Number == number)
        {
            // dup2 onto itself would leave close-on-exec set.
            using FileDescriptor other = Libc.dup(descriptor);
            MoveTo(other, number);
        }
        else
        {
            MoveTo(descriptor, number);
        }

        byte** arguments = Strings(command);
        byte** variables = Strings([.. environment]);
        nint pipeHandler = Libc.signal(Libc.SIGPIPE, Libc.SIG_DFL);
        _ = Libc.execvpe(arguments[0], arguments, variables);
        int errno = Marshal.GetLastPInvokeError();
        _ = Libc.signal(Libc.SIGPIPE, pipeHandler);
        throw new LinuxException(errno, "execve", command[0], "Check the name and that it may be executed.");
    }

    private static void MoveTo(FileDescriptor descriptor, int number)
    {
        if (Libc.dup2(descriptor, number) < 0)
        {
            throw LinuxException.FromLastError("dup2", $"descriptor {descriptor.Number} to {number}");
        }
    }

    /// <summary>A null-terminated array of C strings; it lives until the exec, which is why nothing frees it.</summary>
    private static byte** Strings(string[] texts)
    {
        byte** array = (byte**)NativeMemory.AllocZeroed((nuint)(texts.Length + 1), (nuint)sizeof(byte*));
        for (int i = 0; i < texts.Length; i++)
        {
            array[i] = (byte*)Marshal.StringToCoTaskMemUTF8(texts[i]);
        }

        return array;
    }
}
