using System.CommandLine;
using System.Net;
using Interceptor.Interop;

namespace Interceptor.Cli.Demo.Peers;

/// <summary>
/// <c>demo peer client|server|takeover</c>: the processes that the demo starts, hidden from the help. A peer ends with the process that
/// started it: it is killed with that process's thread, and ends by itself when its standard input closes. Ctrl-C at a terminal reaches it
/// too and is left to the starter.
/// </summary>
internal static class PeerCommand
{
    private static readonly Option<int> ParentOption = new("--parent") { Required = true };
    private static readonly Option<string> ConnectOption = new("--connect") { Required = true };
    private static readonly Option<string> ListenOption = new("--listen") { Required = true };
    private static readonly Option<string> StoreOption = new("--store") { Required = true };
    private static readonly Option<string> ChannelOption = new("--channel") { Required = true };

    internal static Command Create()
    {
        var command = new Command("peer", "One end of the demo's connection.") { Hidden = true };
        command.Subcommands.Add(Client());
        command.Subcommands.Add(Server());
        command.Subcommands.Add(Takeover());
        return command;
    }

    /// <summary>Arguments of the client.</summary>
    internal static string[] ClientArguments(TransferPlan plan, IPEndPoint server) =>
        [.. Arguments("client", plan), ConnectOption.Name, $"{server}"];

    /// <summary>Arguments of the first server.</summary>
    internal static string[] ServerArguments(TransferPlan plan, IPEndPoint local, string storePath) =>
        [.. Arguments("server", plan), ListenOption.Name, $"{local}", StoreOption.Name, storePath];

    /// <summary>Arguments of the server that goes on with the connection.</summary>
    internal static string[] TakeoverArguments(TransferPlan plan, string channelPath, string storePath) =>
        [.. Arguments("takeover", plan), ChannelOption.Name, channelPath, StoreOption.Name, storePath];

    private static string[] Arguments(string role, TransferPlan plan) =>
        ["demo", "peer", role, ParentOption.Name, $"{Environment.ProcessId}", .. plan.ToArguments()];

    private static Command Client()
    {
        Command command = Peer("client", (plan, parsed) => TransferClient.Run(plan, PeerMessages.EndPoint(parsed.GetValue(ConnectOption)!)));
        command.Options.Add(ConnectOption);
        return command;
    }

    private static Command Server()
    {
        Command command = Peer("server", (plan, parsed) =>
            TransferServer.Run(plan, PeerMessages.EndPoint(parsed.GetValue(ListenOption)!), parsed.GetValue(StoreOption)!));
        command.Options.Add(ListenOption);
        command.Options.Add(StoreOption);
        return command;
    }

    private static Command Takeover()
    {
        Command command = Peer("takeover", (plan, parsed) =>
            TakeoverServer.Run(plan, parsed.GetValue(ChannelOption)!, parsed.GetValue(StoreOption)!));
        command.Options.Add(ChannelOption);
        command.Options.Add(StoreOption);
        return command;
    }

    private static Command Peer(string name, Action<TransferPlan, ParseResult> body)
    {
        var command = new Command(name) { Hidden = true };
        command.Options.Add(ParentOption);
        TransferPlan.AddTo(command);
        command.SetBody((parsed, _) => Run(parsed, body));
        return command;
    }

    private static int Run(ParseResult parsed, Action<TransferPlan, ParseResult> body)
    {
        if (!ParentDeath.Follow(parsed.GetValue(ParentOption)))
        {
            return ExitCode.Failed;
        }

        PeerThread.Start("standard input", () =>
        {
            while (Console.In.ReadLine() is not null)
            {
                // Nothing is said there; only its end counts.
            }

            Environment.Exit(ExitCode.Failed);
        });
        try
        {
            body(TransferPlan.From(parsed), parsed);
            return ExitCode.Done;
        }
#pragma warning disable CA1031 // The peer's outermost frame: whoever started it reads the reason as a line.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            PeerMessages.Failed(exception);
            return ExitCode.Failed;
        }
    }
}
