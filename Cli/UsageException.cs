namespace Interceptor.Cli;

/// <summary>The command line was understood word by word and makes no sense as a whole: exit code 2 with this message.</summary>
internal sealed class UsageException(string message) : Exception(message);
