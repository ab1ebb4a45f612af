namespace Interceptor.Cli;

/// <summary>The machine lacks something (a tool, a kernel feature, a privilege): exit code 3. The message names it and the remedy.</summary>
internal sealed class MissingFeatureException(string message) : Exception(message);
