using Interceptor.Cli.Output;

namespace Interceptor.Cli;

/// <summary>What every command gets: where to write, and when to stop.</summary>
/// <param name="Output">Where to write.</param>
/// <param name="Signals">SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2.</param>
internal sealed record CommandContext(CommandOutput Output, StopSignals Signals);
