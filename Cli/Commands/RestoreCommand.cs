using System.Collections;
using System.CommandLine;
using System.Globalization;
using Interceptor.Checkpoint;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;
using Interceptor.Interop;
using Interceptor.Replay;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor restore DIR [-- COMMAND ...]</c>: goes on with a session image.</summary>
internal static class RestoreCommand
{
    /// <summary>The first descriptor of the LISTEN_FDS protocol (sd_listen_fds).</summary>
    private const int FirstPassedDescriptor = 3;

    private static readonly Argument<string> Image = new("DIR") { Description = "The session image." };

    private static readonly Argument<string[]> Program = new("COMMAND")
    {
        Description = "What goes on with the connection: it is the command's descriptor 3 (LISTEN_FDS=1), INTERCEPTOR_IMAGE names the image. "
            + "Without a command the connection is joined to standard input and output.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<bool> Force = new("--force") { Description = "Restore an image that was restored before: only if that socket is gone." };

    private static readonly Option<bool> Check = new("--check") { Description = "Only tell what would keep it from being restored here, each with its remedy; touches nothing." };

    internal static Command Create()
    {
        var command = new Command("restore", "Brings a checkpointed TCP connection back, in the network namespace it is run in, and hands it to a command.")
        {
            Image, SessionKeyOption.Key, Force, Check, Program,
        };
        command.SetBody(Run);
        return command;
    }

    private static int Run(ParseResult parsed, CommandContext context)
    {
        string directory = parsed.GetRequiredValue(Image);
        string[] program = parsed.GetValue(Program) ?? [];
        if (parsed.GetValue(Check))
        {
            using SessionKey? reader = SessionKeyOption.Read(parsed);
            return ObstacleReport.Write(
                context.Output, SessionRestore.Inspect(directory, new SessionRestoreOptions { Key = reader, Force = parsed.GetValue(Force) }), directory, "can_restore", "restored here");
        }

        if (program.Length > 0)
        {
            RequireExecutable(program[0]);
        }

        using SessionKey? key = SessionKeyOption.Read(parsed);
        var options = new SessionRestoreOptions { Key = key, Force = parsed.GetValue(Force) };
        using RestoredSocket restored = SessionRestore.Resume(directory, options, out SessionImage image, out bool lockRemoved);
        foreach (string warning in restored.Warnings)
        {
            context.Output.Warn(warning);
        }

        if (image.Lock is { } sessionLock && !lockRemoved)
        {
            context.Output.Warn($"the lock {sessionLock.Comment} was not in this network namespace: was it removed, or is the connection restored elsewhere?");
        }

        Announce(context.Output, directory, image, lockRemoved);
        if (program.Length == 0)
        {
            return ConnectionJoin.Run(restored.Descriptor, context.Signals.Token);
        }

        ProgramImage.Replace(program, Environment(directory), restored.Descriptor, FirstPassedDescriptor);
        return ExitCode.Failed;
    }

    /// <summary>Before the handover: afterwards standard output is the command's, or the connection's.</summary>
    private static void Announce(CommandOutput output, string directory, SessionImage image, bool lockRemoved)
    {
        if (output.Json)
        {
            output.WriteJson("summary", json =>
            {
                json.WriteString("image", directory);
                json.WriteString("image_id", image.Id);
                json.WriteString("local", image.Snapshot.Local.ToString());
                json.WriteString("peer", image.Snapshot.Peer.ToString());
                json.WriteNumber("receive_queue_bytes", image.Snapshot.UnreadBytes);
                json.WriteNumber("in_flight_bytes", image.Snapshot.InFlightBytes);
                json.WriteNumber("unsent_bytes", image.Snapshot.UnsentBytes);
                json.WriteBoolean("lock_removed", lockRemoved);
            });
            output.Flush();
            return;
        }

        output.Warn(string.Create(
            CultureInfo.InvariantCulture,
            $"{image.Snapshot.Local}-{image.Snapshot.Peer} goes on (unread {image.ReceiveQueue.Length}, unacknowledged {image.SendQueue.Length} bytes)."));
    }

    /// <summary>This process's environment with the descriptor announced as systemd does (sd_listen_fds(3)); an exec keeps the process id.</summary>
    private static IEnumerable<string> Environment(string directory)
    {
        var variables = new Dictionary<string, string>();
        foreach (DictionaryEntry entry in System.Environment.GetEnvironmentVariables())
        {
            variables[(string)entry.Key] = (string?)entry.Value ?? "";
        }

        variables["LISTEN_FDS"] = "1";
        variables["LISTEN_PID"] = System.Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        variables["LISTEN_FDNAMES"] = "connection";
        variables["INTERCEPTOR_IMAGE"] = Path.GetFullPath(directory);
        return variables.Select(pair => $"{pair.Key}={pair.Value}");
    }

    /// <summary>Before the connection lives: a command that can't be started would end it.</summary>
    private static void RequireExecutable(string name)
    {
        IEnumerable<string> candidates = name.Contains('/')
            ? [name]
            : (System.Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(directory => Path.Combine(directory, name));
#pragma warning disable CA1416 // Runs on Linux only.
        const UnixFileMode Execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        bool isThere = candidates.Any(path => File.Exists(path) && (File.GetUnixFileMode(path) & Execute) != 0);
#pragma warning restore CA1416
        if (!isThere)
        {
            throw new CheckpointException(
                "restore", $"there is no program '{name}' that can be executed. Check the name.", "Nothing was changed: the image and its lock are as they were.");
        }
    }
}
