using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Interceptor.Checkpoint;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;
using Interceptor.Packets;
using Interceptor.Replay;
using Interceptor.Tcp;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor checkpoint --pid PID --connection LOCAL-PEER -o DIR</c>: a live connection becomes a session image.</summary>
internal static class CheckpointCommand
{
    private static readonly Option<int> Pid = new("--pid") { Description = "The process that has the connection.", HelpName = "PID" };

    private static readonly Option<string> Connection = new("--connection")
    {
        Description = "Which of its connections, its own end first: 192.0.2.1:80-192.0.2.2:49152. A listening socket: 0.0.0.0:80-*.",
        HelpName = "LOCAL-PEER",
    };

    private static readonly Option<bool> AllOf = new("--all-of")
    {
        Description = "All of the process's connections and listening sockets in one freeze, instead of --connection: -o becomes a set with an image of each, and --base is an earlier set.",
    };

    private static readonly Option<bool> Skip = new("--skip") { Description = "With --all-of: leave out connections that can't be checkpointed. Otherwise one such has all refused." };

    private static readonly Option<string?> Output = new("-o", "--output") { Description = "The session image to write: a directory that does not exist yet.", HelpName = "DIR" };

    private static readonly Option<string?> Base = new("--base")
    {
        Description = "An earlier image of the connection: the new one has only what is new since, and is read together with it.",
        HelpName = "DIR",
    };

    private static readonly Option<bool> Check = new("--check") { Description = "Only tell what would keep it from being checkpointed, each with its remedy; touches nothing." };

    private static readonly Option<bool> LeaveRunning = new("--leave-running")
    {
        Description = "Let the connection go on with its process. Otherwise it is taken away, silently, and goes on with: interceptor restore DIR.",
    };

    private static readonly Option<string?> FreezeFor = new("--freeze-for")
    {
        Description = "With --leave-running: keep program and connection frozen at least so long, to see what a freeze does to them. Ctrl-C ends it sooner.",
        HelpName = "DURATION",
    };

    private static readonly Option<bool> KeepPeerAlive = new("--keep-peer-alive")
    {
        Description = "Answer the peer while nobody else does, so that it does not give up: in the foreground, until the image is restored or Ctrl-C; with --leave-running within --freeze-for.",
    };

    private static readonly Option<string> Lock = new("--lock")
    {
        Description = "hold: the connection's packets are held in the kernel during the dump; where it is taken away, the peer's go into the image for the restore, and later ones are dropped. "
            + "drop: they are dropped, and sent again. none: no rules.",
        HelpName = "hold|drop|none",
        DefaultValueFactory = static _ => "hold",
    };

    private static readonly Option<bool> Kill = new("--kill") { Description = "End the process (SIGKILL) once its connection is taken." };

    private static readonly Option<bool> Stop = new("--stop") { Description = "Leave the process stopped (SIGSTOP) once its connection is taken. Otherwise it goes on, and its descriptor fails." };

    private static readonly Option<string?> Encrypt = new("--encrypt")
    {
        Description = "Encrypt the queues (AES-256-GCM) with this key file: 32 bytes, or 64 hexadecimal digits.",
        HelpName = "FILE",
    };

    internal static Command Create()
    {
        var command = new Command("checkpoint", "Writes the kernel's state of a live TCP connection to disk: queues, sequence numbers, windows, options.")
        {
            Pid, Connection, AllOf, Skip, Output, Base, Check, LeaveRunning, FreezeFor, KeepPeerAlive, Lock, Kill, Stop, Encrypt,
        };
        CheckpointFromCapture.AddTo(command);
        command.SetBody(Run);
        return command;
    }

    private static int Run(ParseResult parsed, CommandContext context)
    {
        if (parsed.GetValue(CheckpointFromCapture.File) is { } capture)
        {
            return RunFromCapture(parsed, capture, context);
        }

        CheckpointFromCapture.RequireAbsent(parsed);
        if (parsed.GetValue(AllOf))
        {
            return RunAll(parsed, context);
        }

        if (parsed.GetValue(Skip))
        {
            throw new UsageException("--skip is for --all-of.");
        }

        if (parsed.GetValue(Check))
        {
            (FlowEndpoint local, FlowEndpoint peer) = ConnectionName.Parse(ConnectionOf(parsed));
            return ObstacleReport.Write(
                context.Output, CheckpointPreflight.Inspect(ReadPid(parsed), local, peer), ConnectionName.Of(local, peer), "can_checkpoint", "checkpointed");
        }

        using SessionKey? key = parsed.GetValue(Encrypt) is { } path ? SessionKey.Read(path) : null;
        SessionCheckpointOptions options = ReadOptions(parsed) with { Key = key, EndFreeze = context.Signals.Token };
        SessionCheckpointResult result = SessionCheckpoint.Take(options);
        foreach (string warning in result.Image.Warnings)
        {
            context.Output.Warn(warning);
        }

        if (result.GuardProblem is { } problem)
        {
            context.Output.Warn($"there was no guard ({Printable.Escape(problem)}): had this process been killed, the connection would have stayed frozen.");
        }

        if (result.LockPlaces.Count > 0)
        {
            context.Output.Warn(
                $"the firewall drops this connection's packets until it is restored ({string.Join(", ", result.LockPlaces)}; comment {result.Image.Lock!.Comment}). "
                + $"interceptor restore {Printable.Escape(result.Directory)} removes the rules; to give the connection up: interceptor cleanup --lock {result.Image.Lock.Comment}.");
        }
        else if (!options.LeaveRunning && result.Image.Snapshot.State != TcpState.Listen)
        {
            context.Output.Warn("without a lock the kernel resets the connection as soon as its peer sends something.");
        }

        if (context.Output.Json && result.PeerKeeper is null)
        {
            context.Output.WriteJson("summary", json => WriteFields(json, result, options));
        }
        else if (context.Output.Json)
        {
            context.Output.WriteJson("checkpoint", json => WriteFields(json, result, options));
        }
        else
        {
            context.Output.Text.Write(TextOf(result, options));
        }

        return result.PeerKeeper is { } keeper ? Keep(keeper, result, options, context) : ExitCode.Done;
    }

    private static int Keep(PeerKeeper keeper, SessionCheckpointResult result, SessionCheckpointOptions options, CommandContext context)
    {
        var keeping = new PeerKeeping(keeper, result.Directory, context);
        int code = keeping.Run();
        if (context.Output.Json)
        {
            context.Output.WriteJson("summary", json =>
            {
                WriteFields(json, result, options);
                keeping.WriteFields(json);
            });
        }

        return code;
    }

    private static int RunAll(ParseResult parsed, CommandContext context)
    {
        if (parsed.GetResult(Connection) is not null || parsed.GetValue(FreezeFor) is not null || parsed.GetValue(KeepPeerAlive))
        {
            throw new UsageException("--all-of excludes --connection, --freeze-for and --keep-peer-alive.");
        }

        if (parsed.GetValue(Check))
        {
            return CheckpointSet.Check(ReadPid(parsed), context.Output);
        }

        using SessionKey? key = parsed.GetValue(Encrypt) is { } path ? SessionKey.Read(path) : null;
        SessionSetCheckpointOptions options = new()
        {
            Pid = ReadPid(parsed),
            Directory = DirectoryOf(parsed),
            BaseDirectory = parsed.GetValue(Base),
            Skip = parsed.GetValue(Skip),
            LeaveRunning = ReadLeaveRunning(parsed),
            Lock = ReadLock(parsed),
            KillOwner = parsed.GetValue(Kill),
            LeaveOwnerStopped = parsed.GetValue(Stop),
            Key = key,
            GuardCommand = GuardSessionCommand.OwnCommand(),
            StepObserver = FaultSwitch.FromEnvironment(),
            CloseObserver = FaultSwitch.BetweenClosesFromEnvironment(),
        };
        return CheckpointSet.Run(options, context);
    }

    private static string ConnectionOf(ParseResult parsed) =>
        parsed.GetValue(Connection) ?? throw new UsageException("which connection is missing: --connection LOCAL-PEER, or --all-of for all of the process's.");

    private static int RunFromCapture(ParseResult parsed, string capture, CommandContext context)
    {
        if (parsed.GetResult(Pid) is not null || parsed.GetValue(AllOf) || parsed.GetValue(Check) || parsed.GetValue(Base) is not null || parsed.GetValue(LeaveRunning) || parsed.GetValue(FreezeFor) is not null || parsed.GetValue(KeepPeerAlive) || parsed.GetValue(Kill) || parsed.GetValue(Stop) || parsed.GetResult(Lock) is { Implicit: false })
        {
            throw new UsageException("--from-capture needs no process: leave --pid, --all-of, --check, --base, --leave-running, --lock, --kill and --stop out.");
        }

        using SessionKey? key = parsed.GetValue(Encrypt) is { } path ? SessionKey.Read(path) : null;
        return CheckpointFromCapture.Run(parsed, capture, ConnectionOf(parsed), DirectoryOf(parsed), key, context);
    }

    private static string DirectoryOf(ParseResult parsed) =>
        parsed.GetValue(Output) ?? throw new UsageException("where to is missing: -o DIR, a directory that does not exist yet (or --check, which writes none).");

    private static SessionCheckpointOptions ReadOptions(ParseResult parsed)
    {
        (FlowEndpoint local, FlowEndpoint peer) = ConnectionName.Parse(ConnectionOf(parsed));
        bool leaveRunning = ReadLeaveRunning(parsed);
        TimeSpan freezeFor = parsed.GetValue(FreezeFor) is { } duration ? Quantity.DurationWithUnit(duration) : TimeSpan.Zero;
        if (freezeFor > TimeSpan.Zero && !leaveRunning)
        {
            throw new UsageException("--freeze-for is for --leave-running: a connection that is taken away stays frozen until the restore.");
        }

        SessionLockKind kind = ReadLock(parsed);
        bool keepsPeer = parsed.GetValue(KeepPeerAlive);
        if (keepsPeer && (leaveRunning ? kind != SessionLockKind.Hold || freezeFor == TimeSpan.Zero : kind == SessionLockKind.None))
        {
            throw new UsageException(leaveRunning
                ? "--keep-peer-alive with --leave-running needs --freeze-for and --lock hold: otherwise the connection's own socket answers."
                : "--keep-peer-alive needs --lock hold or drop: without a lock the kernel answers, with a reset.");
        }

        return new SessionCheckpointOptions
        {
            FreezeFor = freezeFor,
            KeepPeerAlive = keepsPeer,
            Pid = ReadPid(parsed),
            Local = local,
            Peer = peer,
            Directory = DirectoryOf(parsed),
            BaseDirectory = parsed.GetValue(Base),
            LeaveRunning = leaveRunning,
            Lock = kind,
            KillOwner = parsed.GetValue(Kill),
            GuardCommand = GuardSessionCommand.OwnCommand(),
            StepObserver = FaultSwitch.FromEnvironment(),
            LeaveOwnerStopped = parsed.GetValue(Stop),
        };
    }

    private static SessionLockKind ReadLock(ParseResult parsed) => parsed.GetRequiredValue(Lock) switch
    {
        "hold" => SessionLockKind.Hold,
        "drop" => SessionLockKind.Drop,
        "none" => SessionLockKind.None,
        { } other => throw new UsageException($"--lock is hold, drop or none, not '{other}'."),
    };

    private static bool ReadLeaveRunning(ParseResult parsed)
    {
        bool leaveRunning = parsed.GetValue(LeaveRunning);
        return (leaveRunning ? 1 : 0) + (parsed.GetValue(Kill) ? 1 : 0) + (parsed.GetValue(Stop) ? 1 : 0) > 1
            ? throw new UsageException("--leave-running, --kill and --stop exclude each other: the process goes on with its connection, ends, or stays stopped.")
            : leaveRunning;
    }

    private static int ReadPid(ParseResult parsed)
    {
        int pid = parsed.GetResult(Pid) is null ? throw new UsageException("which process is missing: --pid PID (or --from-capture FILE).") : parsed.GetValue(Pid);
        return pid > 0 ? pid : throw new UsageException($"{pid} is not a process.");
    }

    private static string TextOf(SessionCheckpointResult result, SessionCheckpointOptions options)
    {
        TcpSnapshot snapshot = result.Image.Snapshot;
        string what = snapshot.State == TcpState.Listen ? "listening socket" : "connection";
        string after = options.LeaveRunning ? "goes on with its process" : $"is in the image alone{(options.LeaveOwnerStopped ? $"; process {options.Pid} stays stopped (kill -CONT {options.Pid} lets it go on)" : "")}";
        string since = result.BaseDirectory is { } before ? $", what is new since {Printable.Escape(before)}" : "";
        string patience = result.PeerPatience is { } peer && (!options.LeaveRunning || result.Freeze >= peer.RetransmitsAfter) ? $"{PatienceText.Line(peer)}\n" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"""
            {ConnectionName.Of(snapshot.Local, snapshot.Peer)} {snapshot.State.ToRfcName()} -> {Printable.Escape(result.Directory)} ({result.ImageBytes} bytes{since})
            unread {snapshot.UnreadBytes} bytes; unacknowledged {snapshot.InFlightBytes} bytes; unsent {snapshot.UnsentBytes} bytes
            frozen for {result.Freeze.TotalMilliseconds:0.000} ms, {Counted.Of(result.HeldPackets, "packet")} held meanwhile; the {what} {after}
            {patience}
            """);
    }

    private static void WriteFields(Utf8JsonWriter json, SessionCheckpointResult result, SessionCheckpointOptions options)
    {
        TcpSnapshot snapshot = result.Image.Snapshot;
        json.WriteString("image", result.Directory);
        json.WriteString("image_id", result.Image.Id);
        json.WriteNumber("image_bytes", result.ImageBytes);
        json.WriteString("base", result.BaseDirectory);
        json.WriteString("local", snapshot.Local.ToString());
        json.WriteString("peer", snapshot.Peer.ToString());
        json.WriteString("state", snapshot.State.ToRfcName());
        json.WriteNumber("receive_queue_bytes", snapshot.UnreadBytes);
        json.WriteNumber("in_flight_bytes", snapshot.InFlightBytes);
        json.WriteNumber("unsent_bytes", snapshot.UnsentBytes);
        json.WriteNumber("held_packets", result.HeldPackets);
        json.WriteBoolean("left_running", options.LeaveRunning);
        json.WriteString("owner", options.KillOwner ? "ended" : options.LeaveOwnerStopped ? "stopped" : "running");
        json.WriteString("lock", result.LockPlaces.Count > 0 ? result.Image.Lock!.Comment : null);
        json.WriteNumber("freeze_ms", result.Freeze.TotalMilliseconds);
        PatienceText.WriteFields(json, result.PeerPatience);
        json.WriteStartArray("steps");
        foreach (SessionCheckpointTiming step in result.Steps)
        {
            json.WriteStartObject();
            json.WriteString("step", step.Name);
            json.WriteNumber("ms", step.Elapsed.TotalMilliseconds);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
