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

    private static void WriteNumber(Utf8JsonWriter json, string key, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(key, number);
        }
    }
}
