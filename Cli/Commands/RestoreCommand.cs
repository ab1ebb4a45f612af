using System.Collections;
using System.CommandLine;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Interceptor.Checkpoint;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;
using Interceptor.Interop;
using Interceptor.Replay;
using Interceptor.Tcp;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor restore DIR [-- COMMAND ...]</c>: goes on with a session image.</summary>
internal static class RestoreCommand
{
    /// <summary>The first descriptor of the LISTEN_FDS protocol (sd_listen_fds).</summary>
    internal const int FirstPassedDescriptor = 3;

    private static readonly TimeSpan HandoverPatience = TimeSpan.FromSeconds(10);

    private static readonly Argument<string> Image = new("DIR") { Description = "The session image, or a set of them (checkpoint --all-of)." };

    private static readonly Argument<string[]> Program = new("COMMAND")
    {
        Description = "What goes on with the connection: it is the command's descriptor 3 (LISTEN_FDS=1), INTERCEPTOR_IMAGE names the image. "
            + "Of a set they are its descriptors from 3 on, in the set's order. Without a command the connection is joined to standard input and output.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<string?> Splice = new("--splice")
    {
        Description = "Join the connection to a new one to this server, until both streams have ended. If the server can't be connected to, nothing is restored.",
        HelpName = "HOST:PORT",
    };

    private static readonly Option<string?> ToSocket = new("--to-socket")
    {
        Description = "Hand the connection to the program that listens at this Unix stream socket (@NAME: an abstract one): its descriptor (SCM_RIGHTS) beside a line of JSON. "
            + "If nobody listens there, nothing is restored.",
        HelpName = "PATH",
    };

    private static readonly Option<string?> Namespace = new("--netns")
    {
        Description = "Restore it in another network namespace, as if run there: a name of ip netns, a path, or the number of a process in it.",
        HelpName = "NAME",
    };

    private static readonly Option<bool> Announced = new("--announce")
    {
        Description = "Tell the neighbours that the connection's address is here now (gratuitous ARP, neighbour advertisement): after it was moved from another machine or namespace.",
    };

    private static readonly Option<string?> Packets = new("--packets")
    {
        Description = "Give the connection also what this capture has of its peer's bytes beyond those in the image: out of order before the checkpoint, or dropped since. The peer need not send them again.",
        HelpName = "FILE",
    };

    private static readonly Option<bool> Force = new("--force") { Description = "Restore an image that was restored before: only if that socket is gone." };

    private static readonly Option<bool> Check = new("--check") { Description = "Only tell what would keep it from being restored here, each with its remedy; touches nothing." };

    internal static Command Create()
    {
        var command = new Command("restore", "Brings a checkpointed TCP connection back, in the network namespace it is run in, and hands it to a command.")
        {
            Image, SessionKeyOption.Key, Splice, ToSocket, Namespace, Announced, Packets, Force, Check, Program,
        };
        command.SetBody(Run);
        return command;
    }

    private static int Run(ParseResult parsed, CommandContext context)
    {
        string directory = parsed.GetRequiredValue(Image);
        using SessionKey? key = SessionKeyOption.Read(parsed);
        var options = new SessionRestoreOptions { Key = key, Force = parsed.GetValue(Force), Announce = parsed.GetValue(Announced), PacketsFrom = parsed.GetValue(Packets) };
        return CaptureInterfaceOptions.InNamespace(parsed.GetValue(Namespace), () => Run(parsed, directory, options, context));
    }

    private static int Run(ParseResult parsed, string directory, SessionRestoreOptions options, CommandContext context)
    {
        if (parsed.GetValue(Check))
        {
            IReadOnlyList<CheckpointObstacle> obstacles = SessionSet.IsSet(directory) ? SessionSetRestore.Inspect(directory, options) : SessionRestore.Inspect(directory, options);
            return ObstacleReport.Write(context.Output, obstacles, directory, "can_restore", "restored here");
        }

        string[] program = parsed.GetValue(Program) ?? [];
        string? splice = parsed.GetValue(Splice);
        string? socket = parsed.GetValue(ToSocket);
        if ((program.Length > 0 ? 1 : 0) + (splice is null ? 0 : 1) + (socket is null ? 0 : 1) > 1)
        {
            throw new UsageException("a command, --splice and --to-socket exclude each other: one of them gets the connection.");
        }

        if (SessionSet.IsSet(directory))
        {
            return splice is null && socket is null
                ? RestoreSet.Run(directory, options, program, context)
                : throw new UsageException("--splice and --to-socket take one connection: name one of the set's images.");
        }

        if (splice is not null)
        {
            return RunSplice(directory, options, splice, context);
        }

        if (socket is not null)
        {
            return RunToSocket(directory, options, socket, context);
        }

        return program.Length > 0 ? RunProgram(directory, options, program, context) : RunStandard(directory, options, context);
    }

    /// <summary>Two streams can be joined; a listening socket has none, and needs who accepts.</summary>
    private static void RequireStreams(string directory, SessionRestoreOptions options)
    {
        if (SessionFiles.Read(directory, options.Key).Snapshot.State == TcpState.Listen)
        {
            throw new UsageException($"{Printable.Escape(directory)} is the image of a listening socket: give a command that accepts from descriptor 3, or --to-socket.");
        }
    }

    private static int RunStandard(string directory, SessionRestoreOptions options, CommandContext context)
    {
        RequireStreams(directory, options);
        using RestoredSession session = Resume(directory, options, context.Output);
        Announce(context.Output, session, "summary");
        return ConnectionJoin.RunStandard(session, context.Signals.Token);
    }

    private static int RunSplice(string directory, SessionRestoreOptions options, string server, CommandContext context)
    {
        RequireStreams(directory, options);
        using Socket backend = ServerAddress.Parse(server).Connect(context.Signals.Token);
        using RestoredSession session = Resume(directory, options, context.Output);
        Announce(context.Output, session, "restored");
        return ConnectionJoin.RunSplice(session, backend, server, context);
    }

    private static int RunToSocket(string directory, SessionRestoreOptions options, string name, CommandContext context)
    {
        using SessionHandover handover = SessionHandover.Connect(name);
        using RestoredSession session = Resume(directory, options, context.Output);
        try
        {
            handover.Give(session.Socket.Handle, SessionHandoverLine.Of(session.Image, Path.GetFullPath(directory)), HandoverPatience);
        }
        catch (CheckpointException exception)
        {
            throw TakenBack(session, exception.Message, exception);
        }

        Announce(context.Output, session, "summary");
        return ExitCode.Done;
    }

    private static int RunProgram(string directory, SessionRestoreOptions options, string[] program, CommandContext context)
    {
        string path = ProgramImage.Find(program[0]) ?? throw new CheckpointException(
            "restore", $"there is no program '{program[0]}' that can be executed. Check the name.", "Nothing was changed: the image and its lock are as they were.");
        using RestoredSession session = Resume(directory, options, context.Output);
        Announce(context.Output, session, "summary");
        try
        {
            string name = session.Image.Snapshot.State == TcpState.Listen ? "listener" : "connection";
            ProgramImage.Replace(path, program, Environment(directory, 1, name), [session.Socket.Descriptor], FirstPassedDescriptor);
            return ExitCode.Failed;
        }
        catch (LinuxException exception)
        {
            throw TakenBack(session, $"restore: {exception.Message}", exception);
        }
    }

    /// <summary>Nobody has the connection: closing it now would end it.</summary>
    private static CheckpointException TakenBack(RestoredSession session, string problem, Exception cause)
    {
        try
        {
            session.TakeBack();
            return new CheckpointException(problem, "The connection was taken back into its image, under its lock: it can be restored again.", cause);
        }
        catch (Exception exception) when (exception is IOException or CheckpointException)
        {
            return new CheckpointException(problem, $"It could not be taken back into its image either, and ends: {exception.Message}", cause);
        }
    }

    private static RestoredSession Resume(string directory, SessionRestoreOptions options, CommandOutput output)
    {
        RestoredSession session = SessionRestore.Resume(directory, options);
        foreach (string warning in session.Socket.Warnings)
        {
            output.Warn(warning);
        }

        if (session.Image.Lock is { } sessionLock && !session.LockRemoved)
        {
            output.Warn(
                $"the lock {sessionLock.Comment} is not in this network namespace. If it is in the one that the connection was in, leave it there as long as packets may go there; "
                + $"then remove it: interceptor cleanup --lock {sessionLock.Comment} --netns NAME.");
        }

        return session;
    }

    /// <summary>Before the handover: afterwards standard output is the command's, or the connection's.</summary>
    private static void Announce(CommandOutput output, RestoredSession session, string type)
    {
        if (output.Json)
        {
            output.WriteJson(type, json => WriteFields(json, session));
            output.Flush();
            return;
        }

        SessionImage image = session.Image;
        output.Warn(string.Create(
            CultureInfo.InvariantCulture,
            $"{ConnectionName.Of(image.Snapshot.Local, image.Snapshot.Peer)} goes on (unread {image.ReceiveQueue.Length}, unacknowledged {image.SendQueue.Length} bytes)."));
    }

    internal static void WriteFields(Utf8JsonWriter json, RestoredSession session)
    {
        SessionImage image = session.Image;
        json.WriteString("image", session.Directory);
        json.WriteString("image_id", image.Id);
        json.WriteString("local", image.Snapshot.Local.ToString());
        json.WriteString("peer", image.Snapshot.Peer.ToString());
        json.WriteNumber("receive_queue_bytes", image.Snapshot.UnreadBytes);
        json.WriteNumber("in_flight_bytes", image.Snapshot.InFlightBytes);
        json.WriteNumber("unsent_bytes", image.Snapshot.UnsentBytes);
        json.WriteBoolean("lock_removed", session.LockRemoved);
        json.WriteNumber("held_packets", session.Reinjected.Kept);
        json.WriteNumber("reinjected_packets", session.Reinjected.Sent);
        json.WriteNumber("trimmed_packets", session.Reinjected.Trimmed);
        json.WriteBoolean("tracking_inserted", session.TrackingInserted);
        json.WriteStartArray("announced_on");
        foreach (string name in session.AnnouncedOn)
        {
            json.WriteStringValue(name);
        }

        json.WriteEndArray();
        CheckpointSet.WriteSteps(json, session.Steps);
    }

    /// <summary>This process's environment with the descriptors announced as systemd does (sd_listen_fds(3)); an exec keeps the process id.</summary>
    internal static IEnumerable<string> Environment(string directory, int descriptors, string names)
    {
        var variables = new Dictionary<string, string>();
        foreach (DictionaryEntry entry in System.Environment.GetEnvironmentVariables())
        {
            variables[(string)entry.Key] = (string?)entry.Value ?? "";
        }

        variables["LISTEN_FDS"] = descriptors.ToString(CultureInfo.InvariantCulture);
        variables["LISTEN_PID"] = System.Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        variables["LISTEN_FDNAMES"] = names;
        variables["INTERCEPTOR_IMAGE"] = Path.GetFullPath(directory);
        return variables.Select(pair => $"{pair.Key}={pair.Value}");
    }
}
