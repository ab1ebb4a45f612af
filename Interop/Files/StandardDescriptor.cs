namespace Interceptor.Interop;

/// <summary>What the caller of the process gave it as standard input, output and error.</summary>
internal static unsafe class StandardDescriptor
{
    internal const int Input = 0;
    internal const int Output = 1;
    internal const int Error = 2;

    /// <summary>
    /// False where the process was started without this descriptor, as by <c>&gt;&amp;-</c> in a shell. By now the number may belong to a file that the runtime
    /// opened for itself, which must be neither read nor written; such a file closes on exec, and an inherited descriptor never does.
    /// </summary>
    internal static bool IsInherited(int descriptor)
    {
        using FileDescriptor borrowed = FileDescriptor.Borrow(descriptor);
        int flags = Libc.fcntl(borrowed, Libc.F_GETFD, 0);
        return flags >= 0 && (flags & Libc.FD_CLOEXEC) == 0;
    }

    /// <summary>True where a person sits behind it.</summary>
    internal static bool IsTerminal(int descriptor) => IsInherited(descriptor) && Libc.isatty(descriptor) == 1;

    /// <summary>True where the process belongs to a terminal, whatever its descriptors are; false once that has hung up.</summary>
    internal static bool HasControllingTerminal()
    {
        using FileDescriptor terminal = Libc.open("/dev/tty", Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        return !terminal.IsInvalid;
    }

    /// <summary>Columns of the terminal; null where it is none or does not know.</summary>
    internal static int? Columns(int descriptor)
    {
        using FileDescriptor borrowed = FileDescriptor.Borrow(descriptor);
        ushort* size = stackalloc ushort[4]; // struct winsize: rows, columns and two of pixels.
        int result = Libc.ioctl(borrowed, Libc.TIOCGWINSZ, size);
        return result == 0 && size[1] > 0 ? size[1] : null;
    }
}
