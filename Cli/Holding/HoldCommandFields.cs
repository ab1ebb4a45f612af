using System.Globalization;
using System.Text.Json;

namespace Interceptor.Cli.Holding;

/// <summary>The keys of a command's JSON object: each is read once, and what nobody read is a mistake.</summary>
/// <param name="command">The command's name.</param>
/// <param name="element">The object.</param>
internal sealed class HoldCommandFields(string command, JsonElement element)
{
    private readonly List<string> _known = ["command", "tag"];

    internal bool Has(string key)
    {
        _known.Add(key);
        return element.TryGetProperty(key, out _);
    }

    internal long? Number(string key) => Get(key) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) && number >= 0 ? number
        : throw Wrong($"{key} is a whole number from 0 on");

    internal double? Milliseconds(string key) => Get(key) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.GetDouble() is > 0 and < 1e15 and var number ? number
        : throw Wrong($"{key} is a number above 0");

    internal bool? Flag(string key) => Get(key) is not { } value ? null
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw Wrong($"{key} is true or false");

    internal string? Text(string key) => Get(key) is not { } value ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw Wrong($"{key} is a text");

    /// <summary>Names with texts or numbers.</summary>
    internal IReadOnlyList<(string Name, string Value)>? Pairs(string key)
    {
        if (Get(key) is not { } value)
        {
            return null;
        }

        return value.ValueKind != JsonValueKind.Object ? throw Wrong($"{key} is an object, as {{\"ttl\":64}}")
            : [.. value.EnumerateObject().Select(pair => (pair.Name, pair.Value.ValueKind switch
            {
                JsonValueKind.String => pair.Value.GetString()!,
                JsonValueKind.Number => pair.Value.GetRawText(),
                _ => throw Wrong($"{pair.Name} is a text or a number"),
            }))];
    }

    /// <summary>The number of a packet.</summary>
    internal long Id() => Number("id") ?? throw Wrong("it wants the id of a packet");

    /// <summary>Nothing else may be there; to be called when all was read.</summary>
    internal void End()
    {
        string? unknown = element.EnumerateObject().Select(pair => pair.Name).FirstOrDefault(name => !_known.Contains(name));
        if (unknown is not null)
        {
            throw Wrong(string.Create(CultureInfo.InvariantCulture, $"there is no key '{unknown}': {string.Join(", ", _known.Skip(2).Distinct())}"));
        }
    }

    internal FormatException Wrong(string reason) => new($"{command}: {reason}.");

    private JsonElement? Get(string key) => Has(key) ? element.GetProperty(key) : null;
}
