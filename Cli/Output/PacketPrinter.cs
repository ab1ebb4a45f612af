using Interceptor.Packets;

namespace Interceptor.Cli.Output;

/// <summary>Prints packets to a command's output: a line each with the time of day, or <c>packet</c> objects with <c>--json</c>.</summary>
internal sealed class PacketPrinter(CommandOutput output)
{
    /// <summary>Prints one packet.</summary>
    internal void Write(in CapturedPacket packet)
    {
        string summary = SummaryOf(packet);
        PacketMetadata metadata = packet.Metadata;
        if (output.Json)
        {
            int captured = packet.Data.Length;
            output.WriteJson("packet", json =>
            {
                json.WriteNumber("number", metadata.Number);
                json.WriteNumber("timestamp_ns", metadata.Timestamp.Nanoseconds);
                json.WriteNumber("captured_length", captured);
                json.WriteNumber("original_length", metadata.OriginalLength);
                json.WriteString("summary", summary);
            });
        }
        else
        {
            output.Text.Write(UtcTime.TimeOfDay(metadata.Timestamp));
            output.Text.Write(' ');
            output.Text.Write(summary);
            output.Text.Write('\n');
        }
    }

    private static string SummaryOf(in CapturedPacket packet) =>
        packet.Parse().TryGetFlow(out FlowKey flow) ? $"{flow} length {packet.Metadata.OriginalLength}" : $"length {packet.Metadata.OriginalLength}";
}
