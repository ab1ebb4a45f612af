using System.Diagnostics;
using Interceptor.Interop;

namespace Interceptor.Checkpoint;

/// <summary>
/// A process stopped with SIGSTOP: all its threads stand still when <see cref="Stop(int)"/> returns. Disposing lets it go on, unless it was stopped
/// before already. Any thread.
/// </summary>
public sealed class FrozenProcess : IDisposable
{
    private const int LooksWithoutYielding = 20;
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(2);
    private readonly ProcessDescriptor _process;
    private bool _mustContinue;

    private FrozenProcess(ProcessDescriptor process, bool mustContinue)
    {
        _process = process;
        _mustContinue = mustContinue;
    }

    /// <summary>The process.</summary>
    public int Pid => _process.Pid;

    /// <summary>Stops the process and waits until every thread of it has stopped.</summary>
    /// <exception cref="LinuxException">No such process, or not ours to stop.</exception>
    /// <exception cref="CheckpointException">It did not stop within two seconds (a thread hangs in the kernel); it goes on.</exception>
    public static FrozenProcess Stop(int pid)
    {
        var process = ProcessDescriptor.Open(pid);
        try
        {
            return Stop(process, OpenTasks(process));
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    /// <summary>Takes ownership of both, also when it throws.</summary>
    internal static FrozenProcess Stop(ProcessDescriptor process, ProcessTasks tasks)
    {
        using ProcessTasks looked = tasks;
        int pid = process.Pid;
        try
        {
            bool wasStopped = tasks.AreStopped();
            RequireSignalled(process);
            var frozen = new FrozenProcess(process, !wasStopped);
            long start = Stopwatch.GetTimestamp();
            var spin = default(SpinWait);
            for (int looks = 0; !tasks.AreStopped(); looks++)
            {
                if (process.WaitForEnd(0))
                {
                    throw Ended(pid);
                }

                if (Stopwatch.GetElapsedTime(start) > StopTimeout)
                {
                    frozen.Dispose();
                    throw new CheckpointException(
                        "stop the owner", $"process {pid} did not stop within {StopTimeout.TotalSeconds:0} s: one of its threads hangs in the kernel.",
                        "It goes on.");
                }

                // A thread on another processor stands still within some ten microseconds, which are a few looks.
                if (looks > LooksWithoutYielding)
                {
                    spin.SpinOnce(sleep1Threshold: -1);
                }
            }

            return frozen;
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    /// <summary>Ends the process (SIGKILL) and waits up to <paramref name="timeout"/> until it is gone; true if it is.</summary>
    public bool Kill(TimeSpan timeout)
    {
        _mustContinue = false;
        _ = _process.Signal(Libc.SIGKILL);
        return _process.WaitForEnd((int)timeout.TotalMilliseconds);
    }

    /// <summary>Leaves it stopped for good; disposing no longer lets it go on.</summary>
    public void LeaveStopped() => _mustContinue = false;

    /// <summary>Lets it go on.</summary>
    public void Dispose()
    {
        if (_mustContinue)
        {
            _mustContinue = false;
            _ = _process.Signal(Libc.SIGCONT);
        }

        _process.Dispose();
    }

    /// <summary>Opens the list of threads and goes through it once, so that the kernel has its names at hand in a freeze.</summary>
    internal static ProcessTasks OpenTasks(ProcessDescriptor process)
    {
        try
        {
            ProcessTasks tasks = ProcessTasks.Open(process.Pid);
            _ = tasks.AreStopped();
            return tasks;
        }
        catch (LinuxException exception) when (exception.Errno == Errno.ENOENT)
        {
            throw Ended(process.Pid);
        }
    }

    private static void RequireSignalled(ProcessDescriptor process)
    {
        if (!process.Signal(Libc.SIGSTOP))
        {
            throw Ended(process.Pid);
        }
    }

    private static LinuxException Ended(int pid) => new(Errno.ESRCH, "stop", $"process {pid}", "It has ended.");

    /// <summary>True if every thread of a process is stopped now.</summary>
    internal static bool IsStopped(int pid)
    {
        using ProcessTasks tasks = ProcessTasks.Open(pid);
        return tasks.AreStopped();
    }

    /// <summary>Runs the reading of /proc once, so that nothing of it is compiled inside a freeze.</summary>
    internal static void Warm()
    {
        using var self = ProcessDescriptor.Open(Environment.ProcessId);
        OpenTasks(self).Dispose();
    }
}
