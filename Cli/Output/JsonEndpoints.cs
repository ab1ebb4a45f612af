using System.Text.Json;
using Interceptor.Packets;

namespace Interceptor.Cli.Output;

/// <summary>Ends of connections in JSON.</summary>
internal static class JsonEndpoints
{
    /// <summary><c>"key":{"address":"192.0.2.1","port":80}</c>.</summary>
    internal static void WriteEndpoint(this Utf8JsonWriter json, string key, FlowEndpoint end)
    {
        json.WriteStartObject(key);
        json.WriteString("address", end.Address.ToString());
        json.WriteNumber("port", end.Port);
        json.WriteEndObject();
    }
}
