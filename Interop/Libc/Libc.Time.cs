using System.Runtime.InteropServices;

namespace Interceptor.Interop;

internal static unsafe partial class Libc
{
    internal const int TIMER_ABSTIME = 1;
    internal const int PR_SET_TIMERSLACK = 29;
    internal const int PR_GET_TIMERSLACK = 30;

    /// <summary>Returns an error number, and does not set errno.</summary>
    [LibraryImport(Library)]
    internal static partial int clock_nanosleep(int clock, int flags, TimeSpecification* request, TimeSpecification* remain);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int prctl(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);
}
