using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Interceptor.Interop;

/// <summary>
/// A network namespace with one dedicated thread inside it: <c>setns</c> changes a single thread, so that thread belongs to the namespace
/// for good and never returns to a pool. What <see cref="Run"/> starts (sockets, child processes) lives in the namespace.
/// <para>Threads: any thread may call <see cref="Run"/>; the calls run one after another on the namespace's own thread, in a background
/// thread named after it. A namespace made by <see cref="Create"/> has no name in the file system and is gone when its last thread,
/// process and socket are, even after SIGKILL.</para>
/// </summary>
public sealed class NetworkNamespace : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly Thread _thread;

    private NetworkNamespace(string name, Func<FileDescriptor?> target)
    {
        Name = name;
        Exception? failure = null;
        using var ready = new ManualResetEventSlim();
        _thread = new Thread(() =>
        {
            try
            {
                Enter(name, target);
                Path = $"/proc/{Environment.ProcessId}/task/{Libc.gettid()}/ns/net";
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                failure = exception;
            }

            ready.Set();
            if (failure is null)
            {
                Loop();
            }
        })
        { IsBackground = true, Name = $"netns {name}" };
        _thread.Start();
        ready.Wait();
        if (failure is not null)
        {
            _work.Dispose();
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>What it is called in messages.</summary>
    public string Name { get; }

    /// <summary>A path that names the namespace while this object lives, for <c>ip link set ... netns PATH</c> and <c>nsenter</c>.</summary>
    public string Path { get; private set; } = "";

    /// <summary>Makes a new, anonymous namespace. Its loopback interface is down.</summary>
    /// <exception cref="LinuxException">EPERM without CAP_SYS_ADMIN.</exception>
    public static NetworkNamespace Create(string name) => new(name, static () => null);

    /// <summary>Enters an existing namespace: a name under /run/netns or a path.</summary>
    /// <exception cref="LinuxException">It does not exist, or may not be entered.</exception>
    public static NetworkNamespace Open(string nameOrPath)
    {
        string path = nameOrPath.Contains('/') ? nameOrPath : $"/run/netns/{nameOrPath}";
        return new(nameOrPath, () =>
        {
            FileDescriptor fd = Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
            return fd.IsInvalid
                ? throw LinuxException.FromLastError("open", path, "List the namespaces there are with: ip netns list.")
                : fd;
        });
    }

    /// <summary>Runs <paramref name="action"/> on the namespace's thread and waits for it; its exception is rethrown here.</summary>
    public void Run(Action action) => Run(() =>
    {
        action();
        return true;
    });

    /// <summary>Runs <paramref name="function"/> on the namespace's thread and waits for its result; its exception is rethrown here.</summary>
    public T Run<T>(Func<T> function)
    {
        if (Thread.CurrentThread == _thread)
        {
            return function();
        }

        T result = default!;
        ExceptionDispatchInfo? failure = null;
        using var done = new ManualResetEventSlim();
        _work.Add(() =>
        {
            try
            {
                result = function();
            }
#pragma warning disable CA1031 // Carried to the caller's thread as it is.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
            finally
            {
                done.Set();
            }
        });
        done.Wait();
        failure?.Throw();
        return result;
    }

    /// <summary>Starts a further thread inside the namespace, for a blocking source of its own. Background, named, not pooled.</summary>
    public Thread StartThread(string name, Action body)
    {
        string path = Path;
        var thread = new Thread(() =>
        {
            Enter(Name, () => Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC, 0));
            body();
        })
        { IsBackground = true, Name = name };
        thread.Start();
        return thread;
    }

    /// <summary>Ends the namespace's thread. Work already handed over is finished first.</summary>
    public void Dispose()
    {
        if (!_work.IsAddingCompleted)
        {
            _work.CompleteAdding();
            _thread.Join();
            _work.Dispose();
        }
    }

    private static void Enter(string name, Func<FileDescriptor?> target)
    {
        const string Remedy = "It needs CAP_SYS_ADMIN: run as root, or inside: unshare -Urn.";
        using FileDescriptor? fd = target();
        int result = fd is null ? Libc.unshare(Libc.CLONE_NEWNET) : Libc.setns(fd, Libc.CLONE_NEWNET);
        if (result != 0)
        {
            throw LinuxException.FromLastError(fd is null ? "unshare(CLONE_NEWNET)" : "setns(CLONE_NEWNET)", $"network namespace {name}", Remedy);
        }
    }

    private void Loop()
    {
        foreach (Action action in _work.GetConsumingEnumerable())
        {
            action();
        }
    }
}
