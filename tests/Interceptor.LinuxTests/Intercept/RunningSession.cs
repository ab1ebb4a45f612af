using Interceptor.Capture.Intercept;
using Interceptor.Interop;

namespace Interceptor.LinuxTests.Intercept;

/// <summary>A session on a thread of its own inside a namespace.</summary>
internal sealed class RunningSession : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private readonly Thread _thread;
    private InterceptSummary? _summary;
    private Exception? _failure;

    internal RunningSession(NetworkNamespace network, InterceptOptions options, CancellationToken stop, InterceptObserver? observer = null)
    {
        using var ready = new ManualResetEventSlim();
        _thread = network.StartThread("session under test", () =>
        {
            try
            {
                using InterceptSession session = InterceptSession.Start(options);
                Session = session;
                ready.Set();
                _summary = session.Run(observer, stop);
            }
            catch (Exception exception) when (exception is IOException or ArgumentException)
            {
                _failure = exception;
                ready.Set();
            }
        });
        ready.Wait(CancellationToken.None);
    }

    internal InterceptSession Session { get; private set; } = null!;

    internal InterceptSummary Finish()
    {
        Assert.True(_thread.Join(Deadline), "the session did not end");
        Assert.Null(_failure);
        return _summary!;
    }

    public void Dispose() => _thread.Join(Deadline);
}
