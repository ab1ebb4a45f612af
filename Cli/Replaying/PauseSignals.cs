using System.Runtime.InteropServices;
using Interceptor.Replay;

namespace Interceptor.Cli.Replaying;

/// <summary>SIGUSR2 pauses a replay and lets it go on; time for which the process was stopped (Ctrl-Z, <c>kill -STOP</c>) is left out.</summary>
internal sealed class PauseSignals : IDisposable
{
    // By number: the named ones are not there on every system that .NET knows.
    private const PosixSignal TerminalStop = (PosixSignal)20;
    private const PosixSignal Continue = (PosixSignal)18;

    private readonly PausableReplayClock _clock;
    private readonly CommandContext _context;
    private readonly PosixSignalRegistration _stopping;
    private readonly PosixSignalRegistration _continued;

    internal PauseSignals(PausableReplayClock clock, CommandContext context)
    {
        _clock = clock;
        _context = context;

        // Not cancelled, the signal then stops the process as ever.
        _stopping = PosixSignalRegistration.Create(TerminalStop, _ => clock.Stopping());
        _continued = PosixSignalRegistration.Create(Continue, _ => clock.Continued());
        context.Signals.FlushRequested += Toggle;
    }

    public void Dispose()
    {
        _context.Signals.FlushRequested -= Toggle;
        _stopping.Dispose();
        _continued.Dispose();
    }

    private void Toggle() => _context.Output.Warn(_clock.Toggle() ? "paused; SIGUSR2 again goes on." : "goes on.");
}
