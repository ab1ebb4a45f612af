using Interceptor.Capture.Intercept;
using Interceptor.Cli.Live;
using Interceptor.Cli.Output;

namespace Interceptor.Cli.Holding;

/// <summary>
/// Holding in a run of <c>intercept</c>: the queue, and who works on it, a person, a program or nobody.
/// <para>Threads: made, started, ended and disposed by one.</para>
/// </summary>
internal sealed class HoldRun : IDisposable
{
    // The countdown to the next retransmission is worth a look so often.
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMilliseconds(100);

    private readonly HoldRequest _request;
    private readonly HoldWatch _watch;
    private readonly CancellationTokenSource _stop;
    private readonly HoldControl? _control;
    private readonly HoldScreen? _screen;
    private LivePage? _page;

    /// <param name="request">What was asked for.</param>
    /// <param name="output">Where a program gets its answers.</param>
    /// <param name="stopped">Cancelled when the command is to end.</param>
    internal HoldRun(HoldRequest request, CommandOutput output, CancellationToken stopped)
    {
        _request = request;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(stopped);
        _watch = new HoldWatch(request.Breakpoint);
        bool isWatched = request.IsPage || request.IsControl || request.Breakpoint is not null;
        Queue = new HoldQueue(isWatched ? request.Options with { Trigger = _watch.Take } : request.Options);
        if (request.IsControl)
        {
            output.UseJson();
            _control = new HoldControl(Queue, _watch, output, Console.In, Quit);
        }
        else if (request.IsPage)
        {
            _screen = new HoldScreen(Queue, _watch.ResentIn);
        }
    }

    /// <summary>What the interception gives its packets to.</summary>
    internal HoldQueue Queue { get; }

    /// <summary>Somebody works on what is held: no line is printed for each packet.</summary>
    internal bool IsWorkedOn => _request.IsControl || _request.IsPage;

    /// <summary>A page covers the terminal.</summary>
    internal bool IsPage => _screen is not null;

    /// <summary>The kernel dropped packets: the page tells it.</summary>
    internal void KernelDropped(KernelLosses losses) => _screen!.KernelDropped += losses.QueueFull + losses.BufferFull + losses.WhileHeld;

    /// <summary>The session says something: the page shows it until the next key.</summary>
    internal void Noticed(string text) => _screen!.Notice = text;

    /// <summary>Cancelled when the interception is to end.</summary>
    internal CancellationToken Stop => _stop.Token;

    /// <summary>The rules are in place: whoever works on it may begin.</summary>
    internal void Start(InterceptSession session)
    {
        _control?.Start(session);
        if (_screen is not null)
        {
            _page = new LivePage(_screen, RefreshInterval, Quit);
        }
    }

    /// <summary>The interception is over: the terminal is as it was, and all is written. Throws what ended the page, if it did not end as it should.</summary>
    internal void End()
    {
        _page?.Dispose();
        _control?.Dispose();
        _page?.ThrowFailure();
    }

    // Any thread; whoever reads keys or lines may do so still when all is over.
    private void Quit()
    {
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended already.
        }
    }

    public void Dispose()
    {
        _page?.Dispose();
        _control?.Dispose();
        _stop.Dispose();
    }
}
