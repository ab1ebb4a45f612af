using System.Runtime.InteropServices;
using Interceptor.Interop;

namespace Interceptor.Replay;

/// <summary>
/// Joins two connections, or a connection and a pair of descriptors, until both streams have ended: what one end sends the other gets, the end of a stream too, while the
/// stream the other way goes on. The bytes stay in the kernel (<c>splice(2)</c>) and are never more than a pipe holds: who does not read keeps the other from writing.
/// <para>Threads: it works on the calling thread, in whatever namespace the descriptors belong to.</para>
/// </summary>
public static class ConnectionRelay
{
    /// <summary>Joins them. Neither end is closed, so that the caller may say what was moved before the peers see the end.</summary>
    /// <param name="first">One end.</param>
    /// <param name="second">The other.</param>
    /// <param name="endsWithFirst">True to end as soon as the first end's stream has ended, whether or not the second one's has: for a person's input, which ends when the program does.</param>
    /// <param name="stop">Ends it early.</param>
    public static RelayResult Run(RelayEnd first, RelayEnd second, bool endsWithFirst = false, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        SafeHandle[] handles = [first.Input, first.Output, second.Input, second.Output];
        int held = 0;
        try
        {
            foreach (SafeHandle handle in handles)
            {
                bool added = false;
                handle.DangerousAddRef(ref added);
                held++;
            }

            MakeNonBlocking(first);
            MakeNonBlocking(second);
            using var there = new RelayStream(first, second);
            using var back = new RelayStream(second, first);
            (RelayOutcome outcome, LinuxException? failure) = Join(there, back, endsWithFirst, stop);

            // What follows a stream that is not whole must not look like its end.
            ResetUnless(second, outcome != RelayOutcome.Broken && !there.HasPending);
            ResetUnless(first, outcome != RelayOutcome.Broken && !back.HasPending);
            return new RelayResult(outcome, there.Bytes, back.Bytes, failure);
        }
        finally
        {
            for (int i = 0; i < held; i++)
            {
                handles[i].DangerousRelease();
            }
        }
    }

    private static (RelayOutcome Outcome, LinuxException? Failure) Join(RelayStream there, RelayStream back, bool endsWithFirst, CancellationToken stop)
    {
        using var wake = new EventDescriptor();
        using CancellationTokenRegistration registration = stop.Register(wake.Signal);
        Span<PollDescriptor> polled = stackalloc PollDescriptor[5];
        while (!there.HasEnded || !(back.HasEnded || endsWithFirst))
        {
            polled[0] = new PollDescriptor { Fd = wake.Descriptor.Number, Events = Libc.POLLIN };
            there.Ask(out polled[1], out polled[2]);
            back.Ask(out polled[3], out polled[4]);
            NativeSocket.Poll(polled, timeoutMilliseconds: -1);
            if (stop.IsCancellationRequested)
            {
                return (RelayOutcome.Stopped, null);
            }

            LinuxException? failure = there.Advance(polled[1], polled[2]) ?? back.Advance(polled[3], polled[4]);
            if (failure is not null)
            {
                return (RelayOutcome.Broken, failure);
            }
        }

        return (RelayOutcome.Closed, null);
    }

    /// <summary>A socket is ours alone; the flags of standard input and output are those of everybody who shares them.</summary>
    private static void MakeNonBlocking(RelayEnd end)
    {
        if (end.IsSocket)
        {
            FileDescriptor fd = FileDescriptor.Borrow((int)end.Input.DangerousGetHandle());
            NativeSocket.SetFileFlags(fd, NativeSocket.GetFileFlags(fd, end.Name) | Libc.O_NONBLOCK, end.Name);
        }
    }

    private static void ResetUnless(RelayEnd end, bool isWhole)
    {
        if (!isWhole && end.IsSocket)
        {
            ReadOnlySpan<int> atOnce = [1, 0];
            _ = NativeSocket.TrySet(FileDescriptor.Borrow((int)end.Input.DangerousGetHandle()), Libc.SOL_SOCKET, Libc.SO_LINGER, MemoryMarshal.AsBytes(atOnce));
        }
    }
}
