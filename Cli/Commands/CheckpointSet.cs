using System.Globalization;
using System.Text.Json;
using Interceptor.Checkpoint;
using Interceptor.Cli.Output;
using Interceptor.Replay;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor checkpoint --all-of --pid PID -o DIR</c>: all connections of a process become a set of session images.</summary>
internal static class CheckpointSet
{
    internal static int Run(SessionSetCheckpointOptions options, CommandContext context)
    {
        SessionSetCheckpointResult result = SessionSetCheckpoint.Take(options);
        if (result.GuardProblem is { } problem)
        {
            context.Output.Warn($"there was no guard ({Printable.Escape(problem)}): had this process been killed, the connections would have stayed frozen.");
        }

        if (result.LockPlaces.Count > 0)
        {
            context.Output.Warn(
                $"the firewall drops these connections' packets until they are restored ({string.Join(", ", result.LockPlaces)}; comment {result.Set.Lock!.Comment}). "
                + $"interceptor restore {Printable.Escape(result.Set.Directory)} removes the rules; to give the connections up: interceptor cleanup --lock {result.Set.Lock.Comment}.");
        }
        else if (!options.LeaveRunning)
        {
            context.Output.Warn("without a lock the kernel resets a connection as soon as its peer sends something.");
        }

        if (context.Output.Json)
        {
            WriteJson(context.Output, result, options.LeaveRunning);
        }
        else
        {
            WriteText(context.Output, result, options.LeaveRunning);
        }

        return ExitCode.Done;
    }

    /// <summary>What would keep the process's connections from being checkpointed.</summary>
    internal static int Check(int pid, CommandOutput output)
    {
        using ProcessConnections connections = ProcessConnections.Attach(pid);
        List<CheckpointObstacle> obstacles =
        [
            .. connections.Ineligible.Select(static left => new CheckpointObstacle("connection", $"{left.Local}-{left.Peer}: {left.Reason}", "With --skip it is left out.")),
        ];
        return ObstacleReport.Write(output, obstacles, $"process {pid} with {Counted.Of(connections.Sockets.Count, "socket")}", "can_checkpoint", "checkpointed");
    }

    internal static void WriteMember(Utf8JsonWriter json, SessionSet set, SessionSetMember member)
    {
        json.WriteString("image", set.PathOf(member));
        json.WriteString("image_id", member.Id);
        json.WriteString("local", member.Local);
        json.WriteString("peer", member.Peer);
        json.WriteString("state", member.State);
        json.WriteBoolean("carried_over", member.CarriedOver);
    }

    internal static void WriteLeftOut(CommandOutput output, SessionSet set)
    {
        foreach (SessionLeftOut left in set.LeftOut)
        {
            output.WriteJson("left_out", json =>
            {
                json.WriteString("local", left.Local);
                json.WriteString("peer", left.Peer);
                json.WriteString("state", left.State);
                json.WriteString("reason", left.Reason);
            });
        }
    }

    private static void WriteJson(CommandOutput output, SessionSetCheckpointResult result, bool leftRunning)
    {
        foreach (SessionSetMember member in result.Set.Members)
        {
            output.WriteJson("connection", json => WriteMember(json, result.Set, member));
        }

        WriteLeftOut(output, result.Set);
        output.WriteJson("summary", json =>
        {
            json.WriteString("set", result.Set.Directory);
            json.WriteString("set_id", result.Set.Id);
            json.WriteNumber("connections", result.Set.Members.Count);
            json.WriteNumber("carried_over", result.CarriedOver);
            json.WriteNumber("left_out", result.Set.LeftOut.Count);
            json.WriteNumber("image_bytes", result.ImageBytes);
            json.WriteNumber("held_packets", result.HeldPackets);
            json.WriteBoolean("left_running", leftRunning);
            json.WriteString("lock", result.LockPlaces.Count > 0 ? result.Set.Lock!.Comment : null);
            json.WriteNumber("freeze_ms", result.Freeze.TotalMilliseconds);
            json.WriteNumber("dumped", result.DumpTimes.Count);
            json.WriteNumber("dump_median_ms", Median(result.DumpTimes).TotalMilliseconds);
            json.WriteNumber("dump_max_ms", result.DumpTimes.Count == 0 ? 0 : result.DumpTimes.Max().TotalMilliseconds);
            WriteSteps(json, result.Steps);
        });
    }

    internal static void WriteSteps(Utf8JsonWriter json, IReadOnlyList<SessionCheckpointTiming> steps)
    {
        json.WriteStartArray("steps");
        foreach (SessionCheckpointTiming step in steps)
        {
            json.WriteStartObject();
            json.WriteString("step", step.Name);
            json.WriteNumber("ms", step.Elapsed.TotalMilliseconds);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteText(CommandOutput output, SessionSetCheckpointResult result, bool leftRunning)
    {
        foreach (SessionLeftOut left in result.Set.LeftOut)
        {
            output.Text.Write(Printable.Escape($"left out: {left.Local}{(left.Peer.Length > 0 ? $"-{left.Peer}" : "")} {left.State}: {left.Reason}") + "\n");
        }

        string carried = result.CarriedOver > 0 ? $", {result.CarriedOver} of them carried over" : "";
        string after = leftRunning ? "go on with their process" : "are in the images alone";
        output.Text.Write(string.Create(
            CultureInfo.InvariantCulture,
            $"""
            {Counted.Of(result.Set.Members.Count, "socket")}{carried} -> {Printable.Escape(result.Set.Directory)} ({result.ImageBytes} bytes)
            frozen for {result.Freeze.TotalMilliseconds:0.000} ms ({Counted.Of(result.DumpTimes.Count, "socket")} dumped, {Median(result.DumpTimes).TotalMicroseconds:0} us each in the median), {Counted.Of(result.HeldPackets, "packet")} held meanwhile; the connections {after}

            """));
    }

    private static TimeSpan Median(IReadOnlyList<TimeSpan> times) => times.Count == 0 ? TimeSpan.Zero : times.Order().ElementAt(times.Count / 2);
}
