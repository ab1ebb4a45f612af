using System.Text.Json;
using Interceptor.Cli.Output;
using Interceptor.Tcp.Activity;

namespace Interceptor.Cli.Live;

/// <summary>A row of <c>interceptor top</c> as JSON.</summary>
internal static class ConnectionRowJson
{
    private static readonly SendLimit[] Limits = [SendLimit.Application, SendLimit.Network, SendLimit.Receiver, SendLimit.Stalled, SendLimit.Unknown];

    internal static void Write(Utf8JsonWriter json, ConnectionRow row, int refresh)
    {
        json.WriteNumber("refresh", refresh);
        if (row.Interface.Length > 0)
        {
            json.WriteString("interface", row.Interface);
        }

        json.WriteNumber("id", row.Id);
        json.WriteEndpoint("client", row.ClientAddress);
        json.WriteEndpoint("server", row.ServerAddress);
        json.WriteString("state", row.State);
        json.WriteNumber("packets_per_second", row.PacketRate);
        json.WriteNumber("packets", row.Packets);
        json.WriteNumber("payload_bytes", row.Bytes);
        json.WriteNumber("retransmissions", row.Retransmissions);
        json.WriteNumber("retransmitted_share", row.RepeatedShare);
        json.WriteNumber("recent_retransmitted_share", row.RecentRepeatedShare);
        WriteMilliseconds(json, "rtt_ms", row.RecentRoundTrip);
        json.WriteNumber("age_ms", row.Age / 1e6);
        WriteDirection(json, "client_to_server", row.ClientRate, row.ClientAverage, row.ClientLimits);
        WriteDirection(json, "server_to_client", row.ServerRate, row.ServerAverage, row.ServerLimits);
        WriteOwner(json, "client_process", row.ClientOwner);
        WriteOwner(json, "server_process", row.ServerOwner);
    }

    private static void WriteOwner(Utf8JsonWriter json, string key, ConnectionOwner? owner)
    {
        if (owner is null)
        {
            json.WriteNull(key);
            return;
        }

        json.WriteStartObject(key);
        json.WriteNumber("pid", owner.Pid);
        json.WriteString("name", owner.Name);
        json.WriteNumber("others", owner.Others);
        json.WriteNumber("uid", owner.Uid);
        json.WriteEndObject();
    }

    private static void WriteDirection(Utf8JsonWriter json, string key, double rate, double average, in SendLimitTimes times)
    {
        json.WriteStartObject(key);
        json.WriteNumber("bits_per_second", rate);
        json.WriteNumber("recent_bits_per_second", average);
        json.WriteString("limit", times.Total == 0 ? null : LimitWords.Name(times.Longest));
        json.WriteStartObject("recent_limits_ms");
        foreach (SendLimit limit in Limits)
        {
            json.WriteNumber(LimitWords.Name(limit), times.Of(limit) / 1e6);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteMilliseconds(Utf8JsonWriter json, string key, long? nanoseconds)
    {
        if (nanoseconds is { } value)
        {
            json.WriteNumber(key, value / 1e6);
        }
        else
        {
            json.WriteNull(key);
        }
    }
}
