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
    private const string EnterRemedy = "It needs CAP_SYS_ADMIN: run as root, or inside: unshare -Urn.";

    private readonly BlockingCollection<Action> _work = [];
    private readonly Lock _disposeLock = new();
    private readonly Thread _thread;
    private bool _disposed;

    private NetworkNamespace(string name, Action enter)
    {
        Name = name;
        _thread = StartThread($"netns {name}", () =>
        {
            enter();
            Path = $"/proc/{Environment.ProcessId}/task/{Libc.gettid()}/ns/net";
        }, Loop);
    }

    /// <summary>What it is called in messages.</summary>
    public string Name { get; }

    /// <summary>
    /// A path that names the namespace while this object lives, for <c>nsenter --net=PATH</c> and <see cref="Open"/>.
    /// </summary>
    public string Path { get; private set; } = "";

    /// <summary>Makes a new, anonymous namespace. Its loopback interface is down.</summary>
    /// <exception cref="LinuxException">EPERM without CAP_SYS_ADMIN.</exception>
    public static NetworkNamespace Create(string name) => new(name, () =>
    {
        if (Libc.unshare(Libc.CLONE_NEWNET) != 0)
        {
            throw LinuxException.FromLastError("unshare(CLONE_NEWNET)", $"network namespace {name}", EnterRemedy);
        }
    });

    /// <summary>Enters an existing namespace: a name under /run/netns, a path, or the number of a process that is in it.</summary>
    /// <exception cref="LinuxException">It does not exist, or may not be entered.</exception>
    public static NetworkNamespace Open(string nameOrPath)
    {
        ArgumentException.ThrowIfNullOrEmpty(nameOrPath);
        string path = nameOrPath.Contains('/') ? nameOrPath : $"/run/netns/{nameOrPath}";
        if (!nameOrPath.Contains('/') && nameOrPath.All(char.IsAsciiDigit) && !File.Exists(path))
        {
            path = $"/proc/{nameOrPath}/ns/net";
        }

        using FileDescriptor handle = OpenHandle(path);
        return new NetworkNamespace(nameOrPath, () => Enter(nameOrPath, handle));
    }

    /// <summary>Runs <paramref name="action"/> on the namespace's thread and waits for it; its exception is rethrown here.</summary>
    /// <exception cref="ObjectDisposedException">The namespace was disposed.</exception>
    public void Run(Action action) => Run(() =>
    {
        action();
        return true;
    });

    /// <summary>
    /// Runs <paramref name="function"/> on the namespace's thread and waits for its result; its exception is rethrown here. A child process
    /// started in it lives in the namespace (fork copies the calling thread). No <c>await</c> in it: what follows one runs elsewhere.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The namespace was disposed.</exception>
    public T Run<T>(Func<T> function)
    {
        if (Thread.CurrentThread == _thread)
        {
            return function();
        }

        T result = default!;
        ExceptionDispatchInfo? failure = null;
        using var done = new ManualResetEventSlim();
        lock (_disposeLock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
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
        }

        done.Wait();
        failure?.Throw();
        return result;
    }

    /// <summary>
    /// Starts a further thread inside the namespace, for a blocking source of its own. Background, named, not pooled. Returns when the
    /// thread is inside. It keeps the namespace alive until <paramref name="body"/> returns, this object disposed or not.
    /// </summary>
    /// <exception cref="LinuxException">The thread could not enter.</exception>
    public Thread StartThread(string name, Action body)
    {
        using FileDescriptor handle = OpenHandle();
        return StartThread(name, () => Enter(Name, handle), body);
    }

    /// <summary>
    /// Ends the namespace's thread and waits for it, unless called on it. Work already handed over is finished first. The namespace itself
    /// lives on as long as threads, processes or sockets of it do.
    /// </summary>
    public void Dispose()
    {
        lock (_disposeLock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            _work.CompleteAdding();
        }

        if (Thread.CurrentThread != _thread)
        {
            _thread.Join();
            _work.Dispose();
        }
    }

    /// <summary>A descriptor that keeps the namespace alive; the caller's to dispose.</summary>
    internal FileDescriptor OpenHandle()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return OpenHandle(Path);
    }

    private static FileDescriptor OpenHandle(string path)
    {
        FileDescriptor handle = Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        return handle.IsInvalid
            ? throw LinuxException.FromLastError("open", path, "List the namespaces there are with: ip netns list.")
            : handle;
    }

    private static void Enter(string name, FileDescriptor handle)
    {
        if (Libc.setns(handle, Libc.CLONE_NEWNET) != 0)
        {
            throw LinuxException.FromLastError("setns(CLONE_NEWNET)", $"network namespace {name}", EnterRemedy);
        }
    }

    /// <summary>Starts a thread that first runs <paramref name="enter"/>, whose failure is thrown here, and then <paramref name="body"/>.</summary>
    private static Thread StartThread(string name, Action enter, Action body)
    {
        ExceptionDispatchInfo? failure = null;
        using var ready = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            try
            {
                enter();
            }
#pragma warning disable CA1031 // Carried to the caller's thread as it is.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }

            bool entered = failure is null;
            ready.Set();
            if (entered)
            {
                body();
            }
        })
        { IsBackground = true, Name = name };
        thread.Start();
        ready.Wait();
        failure?.Throw();
        return thread;
    }

    private void Loop()
    {
        foreach (Action action in _work.GetConsumingEnumerable())
        {
            action();
        }
    }
}
