using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>Replaces this process by another program (execve), handing it descriptors under fixed numbers.</summary>
internal static unsafe class ProgramImage
{
    /// <summary>The file that a shell would start under this name: itself where it has a slash, else the first one along PATH that may be executed. Null where there is none.</summary>
    internal static string? Find(string name)
    {
        IEnumerable<string> candidates = name.Contains('/')
            ? [name]
            : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(directory => Path.Combine(directory, name));
        return name.Length == 0 ? null : candidates.FirstOrDefault(static path => File.Exists(path) && Libc.access(path, Libc.X_OK) == 0);
    }

    /// <summary>
    /// Does not return unless it fails. The <paramref name="descriptors"/> become <paramref name="first"/> and the numbers behind it, in their order, blocking (a shell's tools know nothing
    /// else; a program that wants it otherwise says so), and stay open across the exec; SIGPIPE, which .NET ignores, gets its default back. Every other thread of this process ends; the program lives in the calling thread's namespaces. A file without an interpreter line is no
    /// program (a shell would try to read it, and end).
    /// </summary>
    /// <param name="path">The file, as <see cref="Find"/> gives it.</param>
    /// <param name="command">The program's arguments, its own name first.</param>
    /// <param name="environment">Its environment, as NAME=VALUE.</param>
    /// <param name="descriptors">What it gets; stays the caller's when this fails.</param>
    /// <param name="first">Under which numbers.</param>
    /// <exception cref="LinuxException">The program can't be started: ENOENT (its interpreter), ENOEXEC, EACCES, ...; everything is as it was.</exception>
    internal static void Replace(string path, string[] command, IEnumerable<string> environment, IReadOnlyList<FileDescriptor> descriptors, int first)
    {
        // A table of its own: the numbers may be taken by something that the rest of this process needs if it goes on, or by a call of another thread that has not returned (EBUSY).
        LinuxException? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                ReplaceFromOwnTable(path, command, environment, descriptors, first);
            }
            catch (LinuxException exception)
            {
                failure = exception;
            }
        });
        thread.Start();
        thread.Join();
        throw failure!;
    }

    /// <summary>On a thread that ends with it, and its table and all copies in there with that.</summary>
    private static void ReplaceFromOwnTable(string path, string[] command, IEnumerable<string> environment, IReadOnlyList<FileDescriptor> descriptors, int first)
    {
        nint file = Marshal.StringToCoTaskMemUTF8(path);
        byte** arguments = Strings(command);
        byte** variables = Strings([.. environment]);
        nint libc = NativeLibrary.Load(Libc.Library, typeof(ProgramImage).Assembly, null);
        nint dup2 = NativeLibrary.GetExport(libc, "dup2");
        nint execve = NativeLibrary.GetExport(libc, "execve");
        if (Libc.unshare(Libc.CLONE_FILES) != 0)
        {
            throw LinuxException.FromLastError("unshare(CLONE_FILES)", path);
        }

        // Out of the way first: one's new number may be another's old one.
        int count = descriptors.Count;
        int[] sources = [.. descriptors.Select(descriptor => CopyAbove(descriptor, first + count))];
        int[] flags = [.. descriptors.Select(static descriptor => NativeSocket.GetFileFlags(descriptor, SubjectOf(descriptor)))];
        int[] before = [.. Enumerable.Range(first, count).Select(number => Libc.fcntl(FileDescriptor.Borrow(number), Libc.F_DUPFD_CLOEXEC, first + count))];
        RehearseExecute(dup2, execve, sources[0]);
        SetFlags(descriptors, flags, without: Libc.O_NONBLOCK);
        nint pipeHandler = Libc.signal(Libc.SIGPIPE, Libc.SIG_DFL);
        int errno = Execute(dup2, execve, sources, before, first, file, (nint)arguments, (nint)variables, Libc.__errno_location());
        _ = Libc.signal(Libc.SIGPIPE, pipeHandler);
        SetFlags(descriptors, flags, without: 0);
        throw new LinuxException(errno, "execve", path, RemedyFor(errno));
    }

    /// <summary>
    /// Between the first dup2 and the exec nothing of the runtime may run on this thread: the compiler has its memory behind a descriptor, which may be among the numbers taken. So it is compiled as a
    /// whole, once and for all, calls libc by address, is rehearsed, and where the exec fails puts everything back before it returns.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static int Execute(nint dup2, nint execve, int[] sources, int[] before, int first, nint path, nint arguments, nint environment, int* error)
    {
        var duplicate = (delegate* unmanaged[SuppressGCTransition]<int, int, int>)dup2;
        var execute = (delegate* unmanaged[SuppressGCTransition]<nint, nint, nint, int>)execve;
        for (int i = 0; i < sources.Length; i++)
        {
            _ = duplicate(sources[i], first + i);
        }

        _ = execute(path, arguments, environment);

        // Not asked of the runtime: its first answer is code that it has to make, in memory behind a descriptor that now stands for something else.
        int errno = *error;

        // Numbers that stood for nothing keep what they got: they end with the thread.
        for (int i = 0; i < before.Length; i++)
        {
            if (before[i] >= 0)
            {
                _ = duplicate(before[i], first + i);
            }
        }

        return errno;
    }

    /// <summary>Goes through all of it once with no effect: a descriptor becomes itself, and a file without a name is not found. What the runtime still has to make for it, it makes now.</summary>
    private static void RehearseExecute(nint dup2, nint execve, int descriptor)
    {
        nint nothing = 0;
        int[] itself = [descriptor];
        _ = Execute(dup2, execve, itself, itself, descriptor, (nint)(&nothing), (nint)(&nothing), (nint)(&nothing), Libc.__errno_location());
    }

    private static void SetFlags(IReadOnlyList<FileDescriptor> descriptors, int[] flags, int without)
    {
        for (int i = 0; i < flags.Length; i++)
        {
            NativeSocket.SetFileFlags(descriptors[i], flags[i] & ~without, SubjectOf(descriptors[i]));
        }
    }

    private static string SubjectOf(FileDescriptor descriptor) => $"descriptor {descriptor.Number}";

    private static int CopyAbove(FileDescriptor descriptor, int lowest)
    {
        int copy = Libc.fcntl(descriptor, Libc.F_DUPFD_CLOEXEC, lowest);
        return copy >= 0
            ? copy
            : throw LinuxException.FromLastError("fcntl(F_DUPFD)", SubjectOf(descriptor), "Raise the limit of open files (ulimit -n) to three times the number of connections.");
    }

    private static string? RemedyFor(int errno) => errno switch
    {
        Errno.ENOENT => "The file is there, so what is missing is the interpreter that it names.",
        Errno.ENOEXEC => "It is no program for this machine; a script names its interpreter in its first line: #!/bin/sh.",
        _ => "Check that it may be executed.",
    };

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
