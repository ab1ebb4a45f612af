namespace Interceptor.Capture.Live;

/// <summary>A process that has a socket open, as it was when the socket was first seen with it. A process chooses its name itself.</summary>
/// <param name="Pid">Its number.</param>
/// <param name="StartTicks">When it started, in clock ticks since boot: tells it from a later process with the same number. 0 where it had ended.</param>
/// <param name="Name">Its name (/proc/PID/comm), at most 15 bytes; what it holds is not made safe for a terminal.</param>
/// <param name="Program">The name of its program's file without directories; empty where it could not be read.</param>
public sealed record SocketProcess(int Pid, ulong StartTicks, string Name, string Program);
