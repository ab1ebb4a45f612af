using System.Text.Json;
using Interceptor.Checkpoint;

namespace Interceptor.Cli.Output;

/// <summary>What <c>--check</c> of checkpoint and restore says: each obstacle with its remedy, and whether it can be done.</summary>
internal static class ObstacleReport
{
    /// <summary>Writes it; the exit code: done where nothing stands in the way.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="obstacles">What was found.</param>
    /// <param name="subject">The connection or the image.</param>
    /// <param name="key">The key of the summary, as <c>can_checkpoint</c>.</param>
    /// <param name="action">In words, as <c>checkpointed</c>.</param>
    internal static int Write(CommandOutput output, IReadOnlyList<CheckpointObstacle> obstacles, string subject, string key, string action)
    {
        bool isPossible = obstacles.All(static obstacle => obstacle.IsLoss);
        if (output.Json)
        {
            foreach (CheckpointObstacle obstacle in obstacles)
            {
                output.WriteJson("obstacle", json => WriteFields(json, obstacle));
            }

            output.WriteJson("summary", json =>
            {
                json.WriteBoolean(key, isPossible);
                json.WriteNumber("obstacles", obstacles.Count);
            });
        }
        else
        {
            output.Text.Write($"{Printable.Escape(subject)} {(isPossible ? "can" : "can't")} be {action}{(obstacles.Count == 0 ? "" : ":")}\n");
            foreach (CheckpointObstacle obstacle in obstacles)
            {
                string kind = obstacle.IsLoss ? "but" : "no";
                output.Text.Write($"  {kind,-4} {Printable.Escape(obstacle.Reason)}. {Printable.Escape(obstacle.Remedy)}".TrimEnd() + "\n");
            }
        }

        return isPossible ? ExitCode.Done : obstacles.Any(static obstacle => obstacle is { Code: "permission" or "kernel" }) ? ExitCode.Missing : ExitCode.Failed;
    }

    /// <summary>The fields of one.</summary>
    internal static void WriteFields(Utf8JsonWriter json, CheckpointObstacle obstacle)
    {
        json.WriteString("code", obstacle.Code);
        json.WriteString("reason", obstacle.Reason);
        json.WriteString("remedy", obstacle.Remedy);
        json.WriteBoolean("blocking", !obstacle.IsLoss);
    }
}
