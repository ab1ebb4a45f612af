using System.Globalization;
using System.Text.Json;
using Interceptor.Packets;

namespace Interceptor.Cli.Commands;

/// <summary>What the kernel knows of an intercepted packet besides its bytes; each key is written only where it is known.</summary>
internal readonly record struct PacketOrigin(
    string? InInterface, string? OutInterface, MacAddress? HardwareAddress, int? VlanTag, long? UserId, long? GroupId, uint Mark, uint Priority, uint? ConntrackMark)
{
    internal void Write(Utf8JsonWriter json)
    {
        if (InInterface is { } input)
        {
            json.WriteString("in_interface", input);
        }

        if (OutInterface is { } output)
        {
            json.WriteString("out_interface", output);
        }

        if (HardwareAddress is { } address)
        {
            json.WriteString("hardware_address", address.ToString());
        }

        WriteNumber(json, "vlan_tag", VlanTag);
        WriteNumber(json, "uid", UserId);
        WriteNumber(json, "gid", GroupId);
        WriteNumber(json, "mark", Mark == 0 ? null : Mark);
        WriteNumber(json, "priority", Priority == 0 ? null : Priority);
        WriteNumber(json, "conntrack_mark", ConntrackMark);
    }

    /// <summary>The same for people, <c>in eth0, from 02:00:00:00:00:01, uid 1000</c>; empty where nothing is known.</summary>
    internal string Words()
    {
        string[] words =
        [
            InInterface is { } input ? $"in {input}" : "",
            OutInterface is { } output ? $"out {output}" : "",
            HardwareAddress is { } address ? $"from {address}" : "",
            Line("vlan tag", VlanTag),
            Line("uid", UserId),
            Mark == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"mark 0x{Mark:x}"),
            Line("priority", Priority == 0 ? null : Priority),
        ];
        return string.Join(", ", words.Where(word => word.Length > 0));
    }

    private static string Line(string name, long? value) => value is { } number ? string.Create(CultureInfo.InvariantCulture, $"{name} {number}") : "";

    private static void WriteNumber(Utf8JsonWriter json, string key, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(key, number);
        }
    }
}
