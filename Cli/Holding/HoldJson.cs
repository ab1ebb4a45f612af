using System.Buffers;
using System.Text.Json;
using Interceptor.Capture.Intercept;
using Interceptor.Cli.Output;
using Interceptor.Packets;

namespace Interceptor.Cli.Holding;

/// <summary>Held packets as JSON. Threads: one at a time.</summary>
/// <param name="watch">Knows when they will be sent again.</param>
/// <param name="clock">Monotonic, ns.</param>
internal sealed class HoldJson(HoldWatch watch, Func<long> clock)
{
    private readonly PacketFormatter _formatter = new();

    /// <summary>A line.</summary>
    internal static string Line(string type, Action<Utf8JsonWriter> body)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("type", type);
            body(json);
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>What happened to a held packet, a line or two.</summary>
    internal IEnumerable<string> Event(HoldEvent happened, HoldLimits limits)
    {
        HeldItem item = happened.Item;
        if (HoldWords.PolicyOf(limits, happened.Reason) is { } policy)
        {
            yield return Line("limit", json =>
            {
                json.WriteString("limit", HoldWords.NameOf(happened.Reason));
                json.WriteString("policy", HoldWords.NameOf(policy));
                json.WriteNumber("id", item.Id);
            });
        }

        string type = happened.Kind.ToString().ToLowerInvariant();
        yield return happened.Kind is HoldEventKind.Released or HoldEventKind.Dropped
            ? Line(type, json =>
            {
                json.WriteNumber("id", item.Id);
                json.WriteString("reason", HoldWords.NameOf(happened.Reason));
                json.WriteNumber("held_ms", AgeOf(item));
                json.WriteNumber("copies", item.Copies);
                json.WriteBoolean("edited", item.IsEdited);
                json.WriteBoolean("doubled", item.IsDoubled);
            })
            : Line(type, json => WriteItem(json, item, withBytes: false));
    }

    /// <summary>The keys of a packet.</summary>
    internal void WriteItem(Utf8JsonWriter json, HeldItem item, bool withBytes)
    {
        PacketView view = item.Parse();
        json.WriteNumber("id", item.Id);
        json.WriteNumber("timestamp_ns", item.Timestamp.Nanoseconds);
        json.WriteNumber("age_ms", AgeOf(item));
        if (watch.ResentIn(item) is { } left)
        {
            json.WriteNumber("resent_in_ms", left / 1e6);
        }
        else
        {
            json.WriteNull("resent_in_ms");
        }

        json.WriteString("hook", FirewallHooks.NameOf(item.Hook));
        if (item.Flow != default)
        {
            json.WriteEndpoint("source", item.Flow.Source);
            json.WriteEndpoint("destination", item.Flow.Destination);
        }

        json.WriteNumber("length", item.Data.Length);
        json.WriteNumber("payload_length", view.Payload.Length);
        json.WriteNumber("payload_offset", view.LayerCount == 0 ? 0 : view.Innermost.PayloadOffset);
        json.WriteNumber("copies", item.Copies);
        json.WriteBoolean("edited", item.IsEdited);
        json.WriteBoolean("doubled", item.IsDoubled);
        json.WriteString("summary", _formatter.Summarize(in view).ToString());
        if (withBytes)
        {
            json.WriteString("hex", Convert.ToHexStringLower(item.Data.Span));
        }
    }

    private double AgeOf(HeldItem item) => Math.Max(0, clock() - item.Since) / 1e6;
}
