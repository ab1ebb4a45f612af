namespace Interceptor.Checkpoint;

/// <summary>A process that has a connection's socket open.</summary>
/// <param name="Pid">Its number.</param>
/// <param name="Name">What it calls itself (/proc/PID/comm), as it is: not for a terminal; empty where it has ended.</param>
/// <param name="Descriptor">The lowest of its descriptors for it.</param>
public sealed record SessionHolder(int Pid, string Name, int Descriptor);
