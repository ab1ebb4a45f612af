using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>Replaces this process by another program (execve), handing it one descriptor under a fixed number.</summary>
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
    /// Does not return unless it fails. <paramref name="descriptor"/> becomes <paramref name="number"/> and stays open across the exec; SIGPIPE, which .NET ignores, gets its
    /// default back. Every other thread of this process ends; the program lives in the calling thread's namespaces. A file without an interpreter line is no program (a shell would
    /// try to read it, and end).
    /// </summary>
    /// <param name="path">The file, as <see cref="Find"/> gives it.</param>
    /// <param name="command">The program's arguments, its own name first.</param>
    /// <param name="environment">Its environment, as NAME=VALUE.</param>
    /// <param name="descriptor">What it gets; stays the caller's when this fails.</param>
    /// <param name="number">Under which number.</param>
    /// <exception cref="LinuxException">The program can't be started: ENOENT (its interpreter), ENOEXEC, EACCES, ...; everything is as it was.</exception>
    internal static void Replace(string path, string[] command, IEnumerable<string> environment, FileDescriptor descriptor, int number)
    {
        // The number may be taken by something that this process needs if it goes on.
        using FileDescriptor? before = Saved(number);
        using FileDescriptor source = Libc.fcntl(descriptor, Libc.F_DUPFD_CLOEXEC, number + 1) is >= 0 and int copy
            ? new FileDescriptor(copy)
            : throw LinuxException.FromLastError("fcntl(F_DUPFD)", $"descriptor {descriptor.Number}");
        if (Libc.dup2(source, number) < 0)
        {
            throw LinuxException.FromLastError("dup2", $"descriptor {descriptor.Number} to {number}");
        }

        byte** arguments = Strings(command);
        byte** variables = Strings([.. environment]);
        nint pipeHandler = Libc.signal(Libc.SIGPIPE, Libc.SIG_DFL);
        _ = Libc.execve(path, arguments, variables);
        int errno = Marshal.GetLastPInvokeError();
        _ = Libc.signal(Libc.SIGPIPE, pipeHandler);
        if (before is null)
        {
            _ = Libc.close(number);
        }
        else
        {
            _ = Libc.dup3(before, number, Libc.O_CLOEXEC);
        }

        throw new LinuxException(errno, "execve", path, RemedyFor(errno));
    }

    private static string? RemedyFor(int errno) => errno switch
    {
        Errno.ENOENT => "The file is there, so what is missing is the interpreter that it names.",
        Errno.ENOEXEC => "It is no program for this machine; a script names its interpreter in its first line: #!/bin/sh.",
        _ => "Check that it may be executed.",
    };

    /// <summary>What the number stands for now, under another one; null where nothing does.</summary>
    private static FileDescriptor? Saved(int number)
    {
        int copy = Libc.fcntl(FileDescriptor.Borrow(number), Libc.F_DUPFD_CLOEXEC, number + 1);
        return copy < 0 ? null : new FileDescriptor(copy);
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
