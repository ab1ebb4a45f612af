using System.Text.Json;
using Interceptor.Capture.Files;

namespace Interceptor.Cli.Output;

/// <summary>What a pcapng file records of a packet besides its bytes, as keys of the packet's object; what is not recorded has no key.</summary>
internal static class PacketOptionsJson
{
    internal static void Write(Utf8JsonWriter json, PcapNgOptionList list, PcapNgPacketOptions options)
    {
        if (options.Comment is not null)
        {
            json.WriteStartArray("comments");
            foreach (string comment in list.ReadComments())
            {
                json.WriteStringValue(comment);
            }

            json.WriteEndArray();
        }

        if (options.Direction != PacketDirection.Unknown)
        {
            json.WriteString("direction", options.Direction == PacketDirection.Inbound ? "in" : "out");
        }

        WriteNumber(json, "flags", options.Flags);
        WriteNumber(json, "drop_count", options.DropCount);
        WriteNumber(json, "packet_id", options.PacketId);
        WriteNumber(json, "queue", options.Queue);
        if (options.Verdict is { } verdict)
        {
            json.WriteStartObject("verdict");
            json.WriteString("source", verdict.Source switch
            {
                PcapNgVerdictSource.Hardware => "hardware",
                PcapNgVerdictSource.LinuxTrafficControl => "tc",
                PcapNgVerdictSource.LinuxXdp => "xdp",
                _ => "unknown",
            });
            json.WriteNumber("value", verdict.Value);
            json.WriteEndObject();
        }

        if (options.Hash is { } hash)
        {
            json.WriteStartObject("hash");
            json.WriteString("algorithm", hash.Algorithm switch
            {
                PcapNgHashAlgorithm.TwosComplement => "twos_complement",
                PcapNgHashAlgorithm.Xor => "xor",
                PcapNgHashAlgorithm.Crc32 => "crc32",
                PcapNgHashAlgorithm.Md5 => "md5",
                PcapNgHashAlgorithm.Sha1 => "sha1",
                PcapNgHashAlgorithm.Toeplitz => "toeplitz",
                _ => "unknown",
            });
            json.WriteString("value", Convert.ToHexStringLower(hash.Value.Span));
            json.WriteEndObject();
        }
    }

    private static void WriteNumber(Utf8JsonWriter json, string key, ulong? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(key, number);
        }
    }
}
