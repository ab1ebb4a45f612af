using System.Text.Json;
using System.Text.Json.Nodes;

namespace Interceptor.Checkpoint;

/// <summary>What changed between two checkpoints of a connection. Pure.</summary>
public static class SessionComparison
{
    // These differ between any two images and say nothing about the connection.
    private static readonly HashSet<string> Apart = ["format", "version", "id", "base", "files", "encryption", "lock"];
    private static readonly HashSet<string> SequenceNumbers =
        [.. new[] { "snd_una", "snd_nxt", "write_seq", "snd_wl1", "copied_seq", "rcv_nxt", "rcv_wup" }.Select(static name => $"sequences.{name}")];

    /// <summary>The fields that differ, in the order of session.json.</summary>
    /// <param name="before">session.json of the first image.</param>
    /// <param name="after">Of the second.</param>
    public static IReadOnlyList<SessionDifference> Compare(JsonObject before, JsonObject after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        Dictionary<string, JsonNode?> first = Flatten(before);
        Dictionary<string, JsonNode?> second = Flatten(after);
        var differences = new List<SessionDifference>();
        foreach (string field in first.Keys.Concat(second.Keys.Where(field => !first.ContainsKey(field))))
        {
            first.TryGetValue(field, out JsonNode? left);
            second.TryGetValue(field, out JsonNode? right);
            if (!JsonNode.DeepEquals(left, right))
            {
                differences.Add(new SessionDifference(field, TextOf(left), TextOf(right), AdvanceOf(field, left, right)));
            }
        }

        return differences;
    }

    private static int? AdvanceOf(string field, JsonNode? left, JsonNode? right) =>
        SequenceNumbers.Contains(field) && left is not null && right is not null ? unchecked((int)(right.GetValue<uint>() - left.GetValue<uint>())) : null;

    private static string? TextOf(JsonNode? node) => node?.ToJsonString(JsonSerializerOptions.Web);

    private static Dictionary<string, JsonNode?> Flatten(JsonObject document)
    {
        var fields = new Dictionary<string, JsonNode?>();
        foreach ((string name, JsonNode? node) in document)
        {
            if (!Apart.Contains(name))
            {
                Add(name, node);
            }
        }

        return fields;

        void Add(string path, JsonNode? node)
        {
            if (node is not JsonObject inner)
            {
                fields[path] = node;
                return;
            }

            foreach ((string name, JsonNode? child) in inner)
            {
                Add($"{path}.{name}", child);
            }
        }
    }
}
