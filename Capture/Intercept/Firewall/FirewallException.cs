namespace Interceptor.Capture.Intercept;

/// <summary>The firewall could not be changed or read: which command, with what exit status, and what it said. Nothing of the change is left in place.</summary>
public sealed class FirewallException : IOException
{
    /// <summary>A command that failed.</summary>
    /// <param name="command">The command as typed.</param>
    /// <param name="exitCode">Its exit status.</param>
    /// <param name="errorText">What it wrote to standard error.</param>
    /// <param name="inner">The cause, if any.</param>
    public FirewallException(string command, int exitCode, string errorText, Exception? inner = null)
        : base($"{command} failed with status {exitCode}: {OneLine(errorText).TrimEnd('.')}.{Remedy(errorText)}", inner)
    {
        Command = command;
        CommandExitCode = exitCode;
    }

    /// <summary>The command as typed.</summary>
    public string Command { get; }

    /// <summary>Its exit status.</summary>
    public int CommandExitCode { get; }

    /// <summary>True where the command said that a privilege is missing.</summary>
    public bool IsPermission => SaysPermission(Message);

    // nft shows the line with arrows under it.
    private static string OneLine(string text) =>
        string.Join(' ', text.Split(['\n', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries).Where(word => word.Any(character => character is not ('^' or '~'))));

    private static bool SaysPermission(string text) => text.Contains("Permission denied", StringComparison.Ordinal) ||
        text.Contains("Operation not permitted", StringComparison.Ordinal) || text.Contains("you must be root", StringComparison.OrdinalIgnoreCase);

    // Once: a message that carries another one has its remedy already.
    private static string Remedy(string text) => SaysPermission(text) && !text.Contains("CAP_NET_ADMIN", StringComparison.Ordinal)
        ? " It needs CAP_NET_ADMIN: run as root, or inside: unshare -Urn."
        : "";
}
