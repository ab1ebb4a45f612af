using Interceptor.Cli.Output;

namespace Interceptor.Cli;

/// <summary>What every command gets: where to write, and when to stop.</summary>
/// <param name="Output">Where to write.</param>
/// <param name="Signals">SIGINT, SIGTERM, SIGUSR1.</param>
internal sealed record CommandContext(CommandOutput Output, StopSignals Signals);
