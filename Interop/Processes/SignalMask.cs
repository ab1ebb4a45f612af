namespace Interceptor.Interop;

/// <summary>
/// Blocks SIGINT, SIGQUIT, SIGTERM and SIGHUP on the calling thread until it is disposed, on the same thread. A child process started meanwhile inherits
/// the mask across its exec: a Ctrl-C, which the terminal sends to the whole process group, does not end the child half-way. SIGKILL still does.
/// </summary>
internal readonly unsafe ref struct SignalMask
{
    /// <summary>Bytes of glibc's sigset_t, of which the kernel uses eight; bit n-1 is signal n.</summary>
    internal const int SetLength = 128;

    private const ulong Stopping = (1UL << (1 - 1)) | (1UL << (2 - 1)) | (1UL << (3 - 1)) | (1UL << (15 - 1));
    private readonly ulong _before;

    private SignalMask(ulong before) => _before = before;

    internal static SignalMask Block()
    {
        ulong* wanted = stackalloc ulong[SetLength / sizeof(ulong)];
        ulong* before = stackalloc ulong[SetLength / sizeof(ulong)];
        new Span<ulong>(wanted, SetLength / sizeof(ulong)).Clear();
        new Span<ulong>(before, SetLength / sizeof(ulong)).Clear();
        wanted[0] = Stopping;
        Check(Libc.pthread_sigmask(Libc.SIG_BLOCK, wanted, before));
        return new SignalMask(before[0]);
    }

    public void Dispose()
    {
        ulong* before = stackalloc ulong[SetLength / sizeof(ulong)];
        new Span<ulong>(before, SetLength / sizeof(ulong)).Clear();
        before[0] = _before;
        Check(Libc.pthread_sigmask(Libc.SIG_SETMASK, before, null));
    }

    private static void Check(int errno)
    {
        if (errno != 0)
        {
            throw new LinuxException(errno, "pthread_sigmask", "");
        }
    }
}
