using System.Runtime.InteropServices;
using Interceptor.Capture.Files;
using Interceptor.Interop;

namespace Interceptor.Cli;

/// <summary>
/// SIGINT, SIGTERM and SIGHUP as a cancellation, so that a command can release what it holds, remove its rules and print its summary;
/// SIGUSR1 as a request for statistics, SIGUSR2 for a flush. A second SIGINT or SIGTERM does not shorten the tear-down, as rules left behind are worse than a wait, unless
/// <see cref="SecondEndsAtOnce"/> says that there is nothing to tear down but files under a passing name, or <see cref="Hurry"/> how to shorten it.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    // Neither has a member in PosixSignal; raw numbers are taken.
    private const PosixSignal UserSignal1 = (PosixSignal)10;
    private const PosixSignal UserSignal2 = (PosixSignal)12;

    private static readonly TimeSpan HurryLimit = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _stop = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private Action? _rotate;
    private Timer? _lastResort;
    private int _stops;
    private int _hurries;
    private bool _hadTerminal;

    internal StopSignals()
    {
        foreach (PosixSignal signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                if (context.Signal == PosixSignal.SIGHUP && _rotate is { } rotate && !(_hadTerminal && !StandardDescriptor.HasControllingTerminal()))
                {
                    context.Cancel = true;
                    rotate();
                    return;
                }

                context.Cancel = true;
                if (Interlocked.Increment(ref _stops) == 1)
                {
                    _stop.Cancel();
                }
                else
                {
                    StopSooner(context);
                }
            }));
        }

        Register(UserSignal1, () => StatisticsRequested?.Invoke());
        Register(UserSignal2, () => FlushRequested?.Invoke());
    }

    /// <summary>Raised on a pool thread for each SIGUSR1.</summary>
    internal event Action? StatisticsRequested;

    /// <summary>Raised on a pool thread for each SIGUSR2, which otherwise does nothing.</summary>
    internal event Action? FlushRequested;

    /// <summary>True for commands that hold nothing: a second signal ends the process, even where it waits for a reader of its output. Files that are not whole yet are taken away.</summary>
    internal bool SecondEndsAtOnce { get; set; }

    /// <summary>
    /// Called on a pool thread for the second signal: end without what is still to be done, and leave whole what there is. If that takes more than two seconds (somebody does not read, a disk
    /// does not answer), the process ends where it is. Null where <see cref="SecondEndsAtOnce"/> decides.
    /// </summary>
    internal Action? Hurry { get; set; }

    /// <summary>Cancelled by the first SIGINT, SIGTERM or SIGHUP.</summary>
    internal CancellationToken Token => _stop.Token;

    /// <summary>True after such a signal.</summary>
    internal bool Stopped => _stop.IsCancellationRequested;

    /// <summary>
    /// From now on SIGHUP asks for a further file, on a pool thread, instead of ending the command; null for the end again. The SIGHUP of a terminal that
    /// goes away ends the command all the same: nobody sees it any more.
    /// </summary>
    internal void SetRotation(Action? rotate)
    {
        _hadTerminal = rotate is not null && StandardDescriptor.HasControllingTerminal();
        _rotate = rotate;
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }

        _lastResort?.Dispose();
        _stop.Dispose();
    }

    private void StopSooner(PosixSignalContext context)
    {
        if (Hurry is { } hurry)
        {
            // Keys that are held down send many: the first of them has said it.
            if (Interlocked.Exchange(ref _hurries, 1) == 0)
            {
                int code = ExitCode.OfSignal(context.Signal);
                _lastResort = new Timer(_ => Environment.Exit(code), null, HurryLimit, Timeout.InfiniteTimeSpan);
                hurry();
            }
        }
        else if (SecondEndsAtOnce)
        {
            // Not cancelled, the signal has its usual effect: the process ends.
            UnfinishedFiles.DeleteAll();
            context.Cancel = false;
        }
    }

    private void Register(PosixSignal signal, Action raise) => _registrations.Add(PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        try
        {
            raise();
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // Nobody reads standard error, or the command is over: no reason to end here and leave rules behind.
        }
    }));
}
