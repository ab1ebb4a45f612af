using System.CommandLine;
using System.CommandLine.Parsing;
using Interceptor.Cli.Commands;

namespace Interceptor.Cli;

/// <summary>All commands under their root.</summary>
internal static class CommandTree
{
    internal static RootCommand Build()
    {
        var root = new RootCommand("Holds any packet, replays any capture, and moves any live TCP session.")
        {
            CommandRunner.JsonOption,
        };
        foreach (Command command in Commands())
        {
            root.Subcommands.Add(command);
        }

        return root;
    }

    /// <summary>The words that name a command, as <c>interceptor demo restore</c>.</summary>
    internal static string PathOf(CommandResult result)
    {
        string path = "";
        for (SymbolResult? at = result; at is CommandResult command; at = command.Parent)
        {
            string name = command.Command is RootCommand ? "interceptor" : command.Command.Name;
            path = path.Length == 0 ? name : $"{name} {path}";
        }

        return path;
    }

    private static IEnumerable<Command> Commands()
    {
        yield return DoctorCommand.Create();
        yield return InterfacesCommand.Create();
        yield return InfoCommand.Create();
        yield return ReadCommand.Create();
        yield return CaptureCommand.Create();
        yield return TcpCommand.Create();
        yield return TopCommand.Create();
        yield return InterceptCommand.Create();
        yield return RewriteCommand.Create();
        yield return ReplayCommand.Create();
        yield return SessionsCommand.Create();
        yield return CheckpointCommand.Create();
        yield return RestoreCommand.Create();
        yield return ImageCommand.Create();
        yield return DemoCommand.Create();
        yield return CleanupCommand.Create();
        yield return GuardCommand.Create();
        yield return GuardSessionCommand.Create();
    }
}
