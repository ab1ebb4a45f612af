using System.CommandLine;
using Interceptor.Checkpoint;

namespace Interceptor.Cli.Input;

/// <summary><c>--key FILE</c>: reads an encrypted session image.</summary>
internal static class SessionKeyOption
{
    internal static Option<string?> Key { get; } = new("--key") { Description = "The key file of an encrypted image.", HelpName = "FILE" };

    /// <summary>The key; null where none was given. The caller disposes it.</summary>
    internal static SessionKey? Read(ParseResult parsed) => parsed.GetValue(Key) is { } path ? SessionKey.Read(path) : null;
}
