using System.CommandLine;
using System.Text;
using Interceptor.Cli.Demo;
using Interceptor.Cli.Output;
using Interceptor.Replay;

namespace Interceptor.Cli.Commands;

/// <summary>The guard of a checkpoint or a move: not for people, and not listed. Serves the process that writes to its standard input (<see cref="SessionGuardian"/>).</summary>
internal static class GuardSessionCommand
{
    internal const string Name = "guard-session";

    internal static Command Create()
    {
        var command = new Command(Name, "Puts a connection right whose checkpoint was killed.") { Hidden = true };
        command.SetBody(Run);
        return command;
    }

    /// <summary>How this program is started as a guard.</summary>
    internal static IReadOnlyList<string> OwnCommand() => [.. SelfProgram.Command(), Name];

    private static int Run(ParseResult parsed, CommandContext context)
    {
        using var orders = new StreamReader(Console.OpenStandardInput(), Encoding.UTF8);
        using var answers = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        SessionGuardian.Run(orders, answers, sentence => context.Output.Warn(Printable.Escape(sentence)));
        return ExitCode.Done;
    }
}
