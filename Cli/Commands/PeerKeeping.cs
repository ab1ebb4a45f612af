using System.Text.Json;
using Interceptor.Cli.Output;
using Interceptor.Replay;

namespace Interceptor.Cli.Commands;

/// <summary>The second half of <c>checkpoint --keep-peer-alive</c>: answers the peer in the foreground until the image is restored or someone stops it.</summary>
internal sealed class PeerKeeping(PeerKeeper keeper, string directory, CommandContext context)
{
    private PeerKeeperEnd _end;
    private long _answers;

    /// <summary>Returns the exit code.</summary>
    internal int Run()
    {
        context.Output.Warn($"the peer is answered, with a window of zero, until the image is restored; Ctrl-C ends that and leaves image and lock. {Printable.Escape(directory)} can be restored now.");
        context.Output.Flush();
        using (keeper)
        {
            _end = keeper.Run(directory, context.Signals.Token);
            _answers = keeper.Answers;
        }

        if (!context.Output.Json)
        {
            context.Output.Text.WriteLine($"the peer was answered {Counted.Of(_answers, "time")}; {Words(_end)}");
        }

        return _end == PeerKeeperEnd.Reset ? ExitCode.Failed : ExitCode.Done;
    }

    /// <summary>What the summary has besides.</summary>
    internal void WriteFields(Utf8JsonWriter json)
    {
        json.WriteNumber("peer_answers", _answers);
        json.WriteString("peer_keeping_ended", _end switch
        {
            PeerKeeperEnd.Restored => "restored",
            PeerKeeperEnd.Reset => "reset",
            _ => "stopped",
        });
    }

    private static string Words(PeerKeeperEnd end) => end switch
    {
        PeerKeeperEnd.Restored => "the image is restored",
        PeerKeeperEnd.Reset => "it has reset the connection: the image is of no use any more (interceptor cleanup --lock ID removes its lock)",
        _ => "from now on it is not",
    };
}
