using System.CommandLine;
using Interceptor.Cli.Demo;
using Interceptor.Cli.Demo.Peers;
using Interceptor.Cli.Input;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor demo</c>: demonstrations on this machine, in namespaces of their own.</summary>
internal static class DemoCommand
{
    private static readonly Option<string> BytesOption = new("--bytes")
    {
        Description = "How much goes each way, at least 1MiB.",
        HelpName = "SIZE",
        DefaultValueFactory = _ => "256MiB",
    };

    internal static Command Create()
    {
        var command = new Command("demo", "Demonstrates what the tool can do, on this machine, in network namespaces of its own.");
        var restore = new Command(
            "restore", "Moves a live TCP connection to another process in the middle of a transfer in both directions, and checks every byte.");
        restore.Options.Add(BytesOption);
        restore.SetBody(Restore);
        command.Subcommands.Add(restore);
        command.Subcommands.Add(PeerCommand.Create());
        return command;
    }

    private static int Restore(ParseResult parsed, CommandContext context)
    {
        long bytes = Quantity.Size(parsed.GetValue(BytesOption)!);
        if (bytes < RestoreDemoOptions.LeastBytes)
        {
            throw new UsageException($"--bytes {bytes} is too little: the transfer would be over before it could be moved. The least is 1MiB.");
        }

        if (UserNamespace.IsNeeded())
        {
            string[] json = context.Output.Json ? ["--json"] : [];
            return UserNamespace.Run(["demo", "restore", "--bytes", $"{bytes}", .. json], context.Signals.Token);
        }

        using var demo = new RestoreDemo(new RestoreDemoOptions(bytes), line =>
        {
            if (!context.Output.Json)
            {
                context.Output.Text.WriteLine(line);
                context.Output.Flush();
            }
        });
        RestoreDemoReport report = demo.Run(context.Signals.Token);
        RestoreDemoOutput.Write(report, context.Output);
        return report.Succeeded ? ExitCode.Done : ExitCode.Failed;
    }
}
