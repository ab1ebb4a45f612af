using System.Runtime.InteropServices;

namespace Interceptor.Cli;

/// <summary>
/// SIGINT and SIGTERM as a cancellation, so that a command can release what it holds, remove its rules and print its summary;
/// SIGUSR1 as a request for statistics. A second SIGINT or SIGTERM does not shorten the tear-down: rules left behind are worse than a wait.
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
                context.Cancel = true;
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
