using System.CommandLine;
using Interceptor.Capture.Files;
using Interceptor.Cli.Output;
using Interceptor.Interop;

namespace Interceptor.Cli.Commands;

/// <summary><c>-Z USER</c>: what is opened with root's privileges is used without them.</summary>
internal static class CapturePrivileges
{
    private static readonly Option<string?> User = new("-Z", "--relinquish-privileges")
    {
        Description = "Go on as USER once the interface is open: files are made as that user, and no capability is left.",
        HelpName = "USER",
    };

    /// <summary>For the command.</summary>
    internal static Option Option => User;

    /// <summary>The user to become, looked up before anything is opened; null to stay.</summary>
    /// <exception cref="UsageException">There is no such user.</exception>
    /// <exception cref="MissingFeatureException">Only root can.</exception>
    internal static UserAccount? Find(ParseResult parsed)
    {
        if (parsed.GetValue(User) is not { } name)
        {
            return null;
        }

        UserAccount user = UserAccount.Find(name) ?? throw new UsageException($"-Z wants a user's name or number: there is no user '{name}'.");
        return ProcessPrivileges.IsRoot
            ? user
            : throw new MissingFeatureException($"-Z {name}: only root can become another user. Leave -Z away: this process has no privileges of root to drop.");
    }

    /// <summary>Becomes the user for good, and makes sure that it can write where it has to.</summary>
    /// <param name="user">Whom; null to stay who we are.</param>
    /// <param name="path">The file to be made; null or <c>-</c> for none.</param>
    /// <param name="needsProcesses">The capture looks into processes, which it then may no more.</param>
    /// <param name="output">Where it is told.</param>
    /// <exception cref="LinuxException">Privileges could not be dropped, or not all of them.</exception>
    /// <exception cref="MissingFeatureException">The user may not write there.</exception>
    internal static void Drop(UserAccount? user, string? path, bool needsProcesses, CommandOutput output)
    {
        if (user is null)
        {
            return;
        }

        ProcessPrivileges.DropTo(user);
        output.Error.WriteLine($"now running as {Printable.Escape(user.Name)} (uid {user.Uid}, gid {user.Gid})");
        if (needsProcesses && user.Uid != 0)
        {
            output.Warn($"after -Z, processes of others than {Printable.Escape(user.Name)} may not be looked at: packets of their new sockets count as of nobody. --uid and --cgroup go on to work.");
        }

        if (path is null or CaptureFile.StandardStream || Path.GetDirectoryName(Path.GetFullPath(path)) is not { } directory || !Directory.Exists(directory))
        {
            return;
        }

        if (!ProcessPrivileges.MayMakeFilesIn(directory) && !ProcessPrivileges.MayWrite(path))
        {
            throw new MissingFeatureException(
                $"-w {path}: {user.Name}, whom -Z names, may not make files in {directory}. Give the directory to that user (chown {user.Name}), or name another.");
        }
    }
}
