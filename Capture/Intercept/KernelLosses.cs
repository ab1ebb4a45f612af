namespace Interceptor.Capture.Intercept;

/// <summary>Packets that the kernel dropped on its own.</summary>
/// <param name="QueueFull">Not given to us, because too many were waiting in the queue.</param>
/// <param name="BufferFull">Not given to us, because too many were waiting to be read.</param>
/// <param name="WhileHeld">Given to us, and gone while they waited for their verdict: a base chain of the firewall was removed, or an interface went down.</param>
public readonly record struct KernelLosses(long QueueFull, long BufferFull, long WhileHeld)
{
    /// <summary>None.</summary>
    public bool IsNone => QueueFull + BufferFull + WhileHeld == 0;
}
