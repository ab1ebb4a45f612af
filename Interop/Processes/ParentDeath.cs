namespace Interceptor.Interop;

/// <summary>Ends this process with its parent, also where it is stopped and can't notice by itself.</summary>
internal static class ParentDeath
{
    private const nuint SIGKILL = 9;

    /// <summary>
    /// Asks the kernel to SIGKILL this process when the thread that started it ends (prctl(2), PR_SET_PDEATHSIG: a thread, not a process).
    /// False if <paramref name="expectedParent"/> is gone already, and the signal would never come.
    /// </summary>
    internal static bool Follow(int expectedParent) =>
        Libc.prctl(Libc.PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0
            ? Libc.getppid() == expectedParent
            : throw LinuxException.FromLastError("prctl(PR_SET_PDEATHSIG)", "");
}
