using System.Runtime.InteropServices;

namespace Interceptor.Cli;

/// <summary>
/// SIGINT and SIGTERM as a cancellation, so that a command can release what it holds, remove its rules and print its summary;
/// SIGUSR1 as a request for statistics. A second SIGINT or SIGTERM does not shorten the tear-down, as rules left behind are worse than a wait, unless
/// <see cref="SecondEndsAtOnce"/> says that there is nothing to tear down.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<PosixSignalRegistration> _registrations = [];

    internal StopSignals()
    {
        foreach (PosixSignal signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                // Not cancelled, the signal has its usual effect: the process ends.
                context.Cancel = !(SecondEndsAtOnce && _stop.IsCancellationRequested);
                _stop.Cancel();
            }));
        }

        // SIGUSR1 has no member in PosixSignal; raw numbers are taken.
        _registrations.Add(PosixSignalRegistration.Create((PosixSignal)10, context =>
        {
            context.Cancel = true;
            try
            {
                StatisticsRequested?.Invoke();
            }
            catch (Exception exception) when (exception is IOException or ObjectDisposedException)
            {
                // Nobody reads standard error, or the command is over: no reason to end here and leave rules behind.
            }
        }));
    }

    /// <summary>Raised on a pool thread for each SIGUSR1.</summary>
    internal event Action? StatisticsRequested;

    /// <summary>True for commands that hold nothing: a second signal ends the process, even where it waits for a reader of its output.</summary>
    internal bool SecondEndsAtOnce { get; set; }

    /// <summary>Cancelled by the first SIGINT, SIGTERM or SIGHUP.</summary>
    internal CancellationToken Token => _stop.Token;

    /// <summary>True after such a signal.</summary>
    internal bool Stopped => _stop.IsCancellationRequested;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }

        _stop.Dispose();
    }
}
