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
        Description = "How much goes each way, at least 1MiB; in the second and third act 32MiB at most.",
        HelpName = "SIZE",
        DefaultValueFactory = _ => "256MiB",
    };

    private static readonly Option<int[]> ActOption = new("--act")
    {
        Description = "Only this act: 1 the same host, another process; 2 another namespace takes over the address; 3 from a capture alone, after the server's machine is gone. Default: all three.",
        HelpName = "1|2|3",
    };

    private static readonly Option<string?> GraphOption = new("--graph")
    {
        Description = "Draw each act's connection over time, its frozen time marked: FILE.html or FILE.svg; of several acts, FILE-1.html and so on.",
        HelpName = "FILE",
    };

    internal static Command Create()
    {
        var command = new Command("demo", "Demonstrates what the tool can do, on this machine, in network namespaces of its own.");
        var restore = new Command(
            "restore", "Moves a live TCP connection in the middle of a transfer in both directions, in three acts, and checks every byte.");
        restore.Options.Add(BytesOption);
        restore.Options.Add(ActOption);
        restore.Options.Add(GraphOption);
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

        int[] acts = ReadActs(parsed);
        string? graph = parsed.GetValue(GraphOption);
        if (UserNamespace.IsNeeded())
        {
            string[] json = context.Output.Json ? ["--json"] : [];
            string[] picture = graph is null ? [] : ["--graph", graph];
            return UserNamespace.Run(
                ["demo", "restore", "--bytes", $"{bytes}", .. acts.SelectMany(static act => (string[])["--act", $"{act}"]), .. picture, .. json], context.Signals.Token);
        }

        var reports = new List<RestoreDemoReport>();
        foreach (int act in acts)
        {
            using DemoGraph? drawing = graph is null ? null : new DemoGraph(acts.Length == 1 ? graph : DemoGraph.NameOf(graph, act), act);
            reports.Add(RunAct(act, bytes, drawing, context));
            drawing?.Finish(context.Output, reports[^1]);
        }

        if (context.Output.Json)
        {
            RestoreDemoOutput.WriteSummary(reports, context.Output);
        }

        return reports.All(static report => report.Succeeded) ? ExitCode.Done : ExitCode.Failed;
    }

    private static int[] ReadActs(ParseResult parsed)
    {
        int[] acts = parsed.GetValue(ActOption) is { Length: > 0 } chosen ? [.. chosen.Distinct().Order()] : [.. RestoreDemoOptions.AllActs];
        return acts.All(RestoreDemoOptions.AllActs.Contains) ? acts : throw new UsageException("--act is 1, 2 or 3.");
    }

    private static RestoreDemoReport RunAct(int act, long bytes, DemoGraph? drawing, CommandContext context)
    {
        void Say(string line)
        {
            if (!context.Output.Json)
            {
                context.Output.Text.WriteLine(line);
                context.Output.Flush();
            }
        }

        Say($"ACT {act}: {RestoreDemoOutput.TitleOf(act)}");
        var options = new RestoreDemoOptions(act == 1 ? bytes : Math.Min(bytes, RestoreDemoOptions.MostBytesOfLaterActs)) { Recorder = drawing?.Recorder };
        using DemoAct demo = act switch
        {
            1 => new RestoreDemo(options, Say),
            2 => new TakeoverDemo(options, Say),
            _ => new CaptureDemo(options, Say),
        };
        RestoreDemoReport report = demo.Run(context.Signals.Token);
        RestoreDemoOutput.WriteAct(report, context.Output);
        Say("");
        return report;
    }
}
