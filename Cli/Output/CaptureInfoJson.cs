using System.Text.Json;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;

namespace Interceptor.Cli.Output;

/// <summary>A <see cref="CaptureFileSummary"/> as keys of a JSON object.</summary>
internal static class CaptureInfoJson
{
    internal static void Write(Utf8JsonWriter json, CaptureFileSummary summary)
    {
        json.WriteString("file", summary.Path);
        json.WriteString("format", CaptureInfoText.FormatName(summary.Format));
        json.WriteString("format_detail", summary.FormatDetail);
        Write(json, "file_bytes", summary.FileBytes);
        json.WriteStartArray("link_types");
        foreach (LinkType type in summary.LinkTypes)
        {
            json.WriteStringValue(type.GetName());
        }

        json.WriteEndArray();
        json.WriteNumber("packets", summary.Packets);
        json.WriteNumber("captured_bytes", summary.CapturedBytes);
        json.WriteNumber("original_bytes", summary.OriginalBytes);
        Write(json, "first_packet_ns", summary.FirstPacket?.Nanoseconds);
        Write(json, "last_packet_ns", summary.LastPacket?.Nanoseconds);
        Write(json, "earliest_packet_ns", summary.Earliest?.Nanoseconds);
        Write(json, "latest_packet_ns", summary.Latest?.Nanoseconds);
        WriteRounded(json, "duration_ms", (double?)summary.DurationNanoseconds / 1e6);
        json.WriteNumber("time_steps_back", summary.StepsBack);
        json.WriteNumber("packets_without_time", summary.PacketsWithoutTimestamp);
        WriteRounded(json, "average_packet_bytes", summary.AverageBytes);
        WriteRounded(json, "packets_per_second", summary.PacketsPerSecond);
        WriteRounded(json, "bits_per_second", summary.BitsPerSecond);
        json.WriteNumber("truncated_packets", summary.TruncatedPackets);
        Write(json, "dropped", summary.Dropped);
        json.WriteNumber("packets_with_comment", summary.PacketsWithComment);
        if (summary.PacketsSha256 is { } hash)
        {
            json.WriteString("packets_sha256", hash);
            json.WriteString("file_sha256", summary.FileSha256);
        }

        WriteSections(json, summary.Sections);
        WriteInterfaces(json, summary);
        json.WriteBoolean("interrupted", summary.WasInterrupted);
        json.WriteString("error", summary.Error?.Message);
    }

    private static void WriteSections(Utf8JsonWriter json, IReadOnlyList<PcapNgSection> sections)
    {
        json.WriteStartArray("sections");
        foreach (PcapNgSection section in sections)
        {
            json.WriteStartObject();
            json.WriteString("hardware", section.Hardware);
            json.WriteString("operating_system", section.OperatingSystem);
            json.WriteString("application", section.Application);
            json.WriteString("comment", section.Comment);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteInterfaces(Utf8JsonWriter json, CaptureFileSummary summary)
    {
        json.WriteStartArray("interfaces");
        for (int id = 0; id < summary.Interfaces.Count; id++)
        {
            CaptureInterface each = summary.Interfaces[id];
            json.WriteStartObject();
            json.WriteString("name", each.Name);
            json.WriteString("description", each.Description);
            json.WriteString("link_type", each.LinkType.GetName());
            json.WriteNumber("snap_length", each.SnapLength);
            json.WriteNumber("units_per_second", each.TimestampResolution);
            json.WriteString("filter", each.Filter);
            json.WriteString("operating_system", each.OperatingSystem);
            json.WriteString("hardware", each.Hardware);
            json.WriteString("comment", each.Comment);
            json.WriteNumber("packets", summary.PacketsOfInterface[id]);
            Write(json, "dropped", each.Dropped);
            if (each.Statistics != default)
            {
                WriteStatistics(json, each.Statistics);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteStatistics(Utf8JsonWriter json, in InterfaceStatistics statistics)
    {
        json.WriteStartObject("statistics");
        Write(json, "start_ns", statistics.Start?.Nanoseconds);
        Write(json, "end_ns", statistics.End?.Nanoseconds);
        Write(json, "received", statistics.Received);
        Write(json, "dropped_by_interface", statistics.DroppedByInterface);
        Write(json, "accepted_by_filter", statistics.AcceptedByFilter);
        Write(json, "dropped_by_system", statistics.DroppedBySystem);
        Write(json, "delivered", statistics.Delivered);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string key, Int128? value)
    {
        if (value is { } number)
        {
            json.WritePropertyName(key);
            json.WriteRawValue(number.ToString(System.Globalization.CultureInfo.InvariantCulture), skipInputValidation: true);
        }
        else
        {
            json.WriteNull(key);
        }
    }

    private static void WriteRounded(Utf8JsonWriter json, string key, double? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(key, Math.Round(number, 6));
        }
        else
        {
            json.WriteNull(key);
        }
    }
}
