using System.Diagnostics;
using Interceptor.Interop;

namespace Interceptor.Cli.Demo;

/// <summary>Signals that <see cref="Process"/> has no method for.</summary>
internal static class ChildSignal
{
    private const int SIGTERM = 15;

    /// <summary>Asks the process to end. Harmless after its end: our child's number is not reused before we have waited for it.</summary>
    internal static void Terminate(Process process) => _ = Libc.kill(process.Id, SIGTERM);
}
