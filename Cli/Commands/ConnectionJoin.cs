using System.Globalization;
using System.Net.Sockets;
using Interceptor.Cli.Output;
using Interceptor.Interop;
using Interceptor.Replay;
using Microsoft.Win32.SafeHandles;

namespace Interceptor.Cli.Commands;

/// <summary>Joins a restored connection to standard input and output, or to another connection.</summary>
internal static class ConnectionJoin
{
    private const int StandardInput = 0;
    private const int StandardOutput = 1;
    private const string Terminal = "standard input and output";

    /// <summary>To standard input and output, until the peer's stream ends; the end of standard input closes our direction only.</summary>
    internal static int RunStandard(RestoredSession session, CancellationToken stop)
    {
        using var input = new SafeFileHandle(StandardInput, ownsHandle: false);
        using var output = new SafeFileHandle(StandardOutput, ownsHandle: false);
        RelayResult result = ConnectionRelay.Run(EndOf(session), new RelayEnd(Terminal, input, output), endsWithFirst: true, stop);
        return result.Failure is null or { Errno: Errno.EPIPE, Subject: Terminal } ? ExitCode.Done : throw result.Failure;
    }

    /// <summary>To a connection of ours, until both streams have ended; says what was moved.</summary>
    internal static int RunSplice(RestoredSession session, Socket backend, string name, CommandContext context)
    {
        long start = Environment.TickCount64;
        RelayResult result = ConnectionRelay.Run(EndOf(session), new RelayEnd(name, backend.SafeHandle), stop: context.Signals.Token);
        string peer = session.Image.Snapshot.Peer.ToString();
        string outcome = result.Outcome switch
        {
            RelayOutcome.Closed => "closed",
            RelayOutcome.Stopped => "stopped",
            _ => "broken",
        };
        if (context.Output.Json)
        {
            context.Output.WriteJson("summary", json =>
            {
                RestoreCommand.WriteFields(json, session);
                json.WriteString("backend", name);
                json.WriteString("ended", outcome);
                json.WriteNumber("peer_to_backend_bytes", result.FirstToSecondBytes);
                json.WriteNumber("backend_to_peer_bytes", result.SecondToFirstBytes);
                json.WriteNumber("elapsed_ms", (double)(Environment.TickCount64 - start));
                json.WriteString("error", result.Failure?.Message);
            });
        }
        else
        {
            context.Output.Text.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{outcome}: {result.FirstToSecondBytes} bytes from {peer} to {Printable.Escape(name)}, {result.SecondToFirstBytes} bytes back"));
        }

        if (result.Failure is { } failure)
        {
            context.Output.Warn($"{Printable.Escape(failure.Message)} The other end is reset, as its stream is not whole.");
            return ExitCode.Failed;
        }

        return ExitCode.Done;
    }

    private static RelayEnd EndOf(RestoredSession session) =>
        new(session.Image.Snapshot.Peer.ToString(), session.Socket.Handle) { IsWriteClosed = session.Image.Snapshot.FinQueued };
}
