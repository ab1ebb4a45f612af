using System.Globalization;
using System.Text.Json;
using Interceptor.Capture.Intercept;
using Interceptor.Filters;
using Interceptor.Packets;

namespace Interceptor.Cli.Holding;

/// <summary>
/// Carries out the commands of <c>intercept --control</c>: a line in, a line out. A mistake is answered and changes nothing.
/// <para>Threads: one at a time.</para>
/// </summary>
/// <param name="queue">What is worked on.</param>
/// <param name="json">Writes packets.</param>
internal sealed class HoldController(HoldQueue queue, HoldJson json)
{
    private const string Commands = "list, release, drop, edit, duplicate, pause, continue, limits, quit";

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 8 };

    /// <summary>The end was asked for.</summary>
    internal bool HasQuit { get; private set; }

    /// <summary>The answer to a line, as a line.</summary>
    /// <param name="line">The command.</param>
    /// <param name="number">Of the line, from 1.</param>
    internal string Answer(string line, long number)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(line, Strict);
        }
        catch (JsonException exception)
        {
            return Failure(null, null, number, $"this is no JSON object: at byte {exception.BytePositionInLine + 1}.");
        }

        using (document)
        {
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("command", out JsonElement name) || name.ValueKind != JsonValueKind.String)
            {
                return Failure(root.ValueKind == JsonValueKind.Object ? TagOf(root) : null, null, number, $"an object with a command is expected, as {{\"command\":\"list\"}}: {Commands}.");
            }

            string command = name.GetString()!;
            try
            {
                Action<Utf8JsonWriter> body = Carry(command, new HoldCommandFields(command, root));
                return HoldJson.Line("answer", writer =>
                {
                    WriteHead(writer, TagOf(root), command, isDone: true);
                    body(writer);
                });
            }
            catch (Exception exception) when (exception is FormatException or ArgumentException)
            {
                return Failure(TagOf(root), command, number, exception.Message);
            }
        }
    }

    private Action<Utf8JsonWriter> Carry(string command, HoldCommandFields fields) => command switch
    {
        "list" => List(fields),
        "release" => Release(fields),
        "drop" => Drop(fields),
        "edit" => Edit(fields),
        "duplicate" => Duplicate(fields),
        "pause" => Simple(fields, queue.Pause),
        "continue" => Simple(fields, queue.Continue),
        "limits" => SetLimits(fields),
        "quit" => Simple(fields, () => HasQuit = true),
        _ => throw new FormatException($"there is no command '{command}': {Commands}."),
    };

    private Action<Utf8JsonWriter> List(HoldCommandFields fields)
    {
        bool withBytes = fields.Flag("bytes") ?? false;
        long? id = fields.Number("id");
        fields.End();
        IReadOnlyList<HeldItem> items = id is { } one ? [Find(one)] : queue.Snapshot();
        return writer =>
        {
            writer.WriteBoolean("holding", queue.IsHolding);
            writer.WriteNumber("count", items.Count);
            writer.WriteNumber("bytes", items.Sum(item => (long)item.Data.Length));
            writer.WriteStartArray("items");
            foreach (HeldItem item in items)
            {
                writer.WriteStartObject();
                json.WriteItem(writer, item, withBytes);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        };
    }

    private Action<Utf8JsonWriter> Release(HoldCommandFields fields)
    {
        long? id = fields.Number("id");
        bool all = fields.Flag("all") ?? false;
        long? untilId = fields.Number("until_id");
        string? until = fields.Text("until");
        long? count = fields.Number("count");
        fields.End();
        if ((id is null ? 0 : 1) + (all ? 1 : 0) + (untilId is null ? 0 : 1) + (until is null ? 0 : 1) + (count is null ? 0 : 1) != 1)
        {
            throw fields.Wrong("it wants one of id, all (true), until_id, until (a filter) and count");
        }

        int released = all ? queue.ReleaseAll()
            : id is { } one ? (queue.Release(one) ? 1 : throw Gone(one))
            : count is { } many ? queue.ReleaseFirst((int)Math.Min(many, int.MaxValue))
            : untilId is { } last ? queue.ReleaseUntil(last)
            : queue.ReleaseUntil(PacketFilter.Compile(until!, LinkType.Raw));
        return released == 0 && untilId is { } gone ? throw Gone(gone) : writer => writer.WriteNumber("released", released);
    }

    private Action<Utf8JsonWriter> Drop(HoldCommandFields fields)
    {
        long? id = fields.Number("id");
        bool all = fields.Flag("all") ?? false;
        fields.End();
        if (id is null == !all)
        {
            throw fields.Wrong("it wants one of id and all (true)");
        }

        int dropped = all ? queue.DropAll() : queue.Drop(id!.Value) ? 1 : throw Gone(id.Value);
        return writer => writer.WriteNumber("dropped", dropped);
    }

    private Action<Utf8JsonWriter> Edit(HoldCommandFields fields)
    {
        long id = fields.Id();
        var edits = new List<HeldEdit>();
        long? offset = fields.Number("offset");
        string? hex = fields.Text("hex");
        if (offset is null != hex is null)
        {
            throw fields.Wrong("offset and hex go together");
        }

        if (hex is not null)
        {
            edits.Add(HeldEdit.AtOffset((int)Math.Min(offset!.Value, int.MaxValue), FromHex(fields, "hex", hex)));
        }

        if (fields.Text("payload") is { } payload)
        {
            edits.Add(HeldEdit.OfField("payload", payload));
        }

        if (fields.Text("payload_hex") is { } payloadHex)
        {
            edits.Add(HeldEdit.OfPayload(FromHex(fields, "payload_hex", payloadHex)));
        }

        edits.AddRange((fields.Pairs("fields") ?? []).Select(pair => HeldEdit.OfField(pair.Name, pair.Value)));
        fields.End();
        return edits.Count == 0 ? throw fields.Wrong("it wants fields, payload, payload_hex, or offset and hex")
            : queue.TryEdit(id, edits, out string? reason) ? writer => WriteItem(writer, id)
            : throw new FormatException($"edit: {reason}");
    }

    private Action<Utf8JsonWriter> Duplicate(HoldCommandFields fields)
    {
        long id = fields.Id();
        bool isDoubled = fields.Flag("on") ?? true;
        fields.End();
        return queue.SetDoubled(id, isDoubled) ? writer => WriteItem(writer, id) : throw Gone(id);
    }

    private Action<Utf8JsonWriter> SetLimits(HoldCommandFields fields)
    {
        HoldLimits limits = queue.Limits;
        limits = limits with
        {
            MaxPackets = (int)Math.Min(fields.Number("packets") ?? limits.MaxPackets, int.MaxValue),
            MaxBytes = fields.Number("bytes") ?? limits.MaxBytes,
            MaxAge = fields.Milliseconds("age_ms") is { } age ? TimeSpan.FromMilliseconds(age) : limits.MaxAge,
            OnPackets = Overflow(fields, "on_packets") ?? limits.OnPackets,
            OnBytes = Overflow(fields, "on_bytes") ?? limits.OnBytes,
            OnAge = Overflow(fields, "on_age") ?? limits.OnAge,
        };
        fields.End();
        if (limits.MaxPackets < 1 || limits.MaxBytes < 1 || limits.OnAge == HoldOverflow.DropNewest)
        {
            throw fields.Wrong("packets and bytes are 1 at least, and on_age is release-oldest or drop-oldest");
        }

        queue.Limits = limits;
        return writer =>
        {
            writer.WriteNumber("packets", limits.MaxPackets);
            writer.WriteNumber("bytes", limits.MaxBytes);
            writer.WriteNumber("age_ms", limits.MaxAge.TotalMilliseconds);
            writer.WriteString("on_packets", HoldWords.NameOf(limits.OnPackets));
            writer.WriteString("on_bytes", HoldWords.NameOf(limits.OnBytes));
            writer.WriteString("on_age", HoldWords.NameOf(limits.OnAge));
        };
    }

    private Action<Utf8JsonWriter> Simple(HoldCommandFields fields, Action act)
    {
        fields.End();
        act();
        return writer => writer.WriteBoolean("holding", queue.IsHolding);
    }

    // It may have gone in between: then only its number is told.
    private void WriteItem(Utf8JsonWriter writer, long id)
    {
        if (queue.TryFind(id, out HeldItem? item))
        {
            json.WriteItem(writer, item, withBytes: false);
        }
        else
        {
            writer.WriteNumber("id", id);
        }
    }

    private HeldItem Find(long id) => queue.TryFind(id, out HeldItem? item) ? item : throw Gone(id);

    private static FormatException Gone(long id) => new(string.Create(CultureInfo.InvariantCulture, $"packet {id} is held no longer."));

    private static HoldOverflow? Overflow(HoldCommandFields fields, string key) => fields.Text(key) is not { } text ? null
        : HoldWords.TryParse(text, out HoldOverflow overflow) ? overflow
        : throw fields.Wrong($"{key} is release-oldest, drop-oldest or drop-newest, not '{text}'");

    private static byte[] FromHex(HoldCommandFields fields, string key, string hex)
    {
        try
        {
            return Convert.FromHexString(hex);
        }
        catch (FormatException)
        {
            throw fields.Wrong($"{key} are bytes in hexadecimal, as 474554");
        }
    }

    private static string Failure(JsonElement? tag, string? command, long number, string error) => HoldJson.Line("answer", writer =>
    {
        WriteHead(writer, tag, command, isDone: false);
        writer.WriteNumber("line", number);
        writer.WriteString("error", error);
    });

    private static void WriteHead(Utf8JsonWriter writer, JsonElement? tag, string? command, bool isDone)
    {
        if (tag is { } value)
        {
            writer.WritePropertyName("tag");
            value.WriteTo(writer);
        }

        if (command is not null)
        {
            writer.WriteString("command", command);
        }

        writer.WriteBoolean("ok", isDone);
    }

    private static JsonElement? TagOf(JsonElement root) => root.TryGetProperty("tag", out JsonElement tag) ? tag : null;
}
