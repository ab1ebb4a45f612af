namespace Interceptor.Interop;

/// <summary>The session of processes that signals of a terminal and of a process group go to.</summary>
internal static class ProcessSession
{
    /// <summary>Leaves the session and the process group for new ones (man 2 setsid). Where the process leads its group it stays in them.</summary>
    internal static void Begin() => _ = Libc.setsid();
}
