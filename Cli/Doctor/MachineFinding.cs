namespace Interceptor.Cli.Doctor;

/// <summary>One thing that the tool uses and whether this machine has it.</summary>
/// <param name="Name">What was tried.</param>
/// <param name="NeededFor">The commands that use it.</param>
/// <param name="IsNeeded">False for what only widens what the tool can do.</param>
/// <param name="IsPresent">The trial succeeded.</param>
/// <param name="Detail">What the trial found, or how it failed.</param>
/// <param name="Remedy">What to do where it is absent; null where nothing is.</param>
internal sealed record MachineFinding(string Name, string NeededFor, bool IsNeeded, bool IsPresent, string Detail, string? Remedy);
