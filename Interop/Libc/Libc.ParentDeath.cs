using System.Runtime.InteropServices;

namespace Interceptor.Interop;

internal static partial class Libc
{
    internal const int PR_SET_PDEATHSIG = 1;

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int getppid();
}
