using System.Globalization;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Packets;

namespace Interceptor.Cli.Output;

/// <summary>A <see cref="CaptureFileSummary"/> for people: a line for each thing, or a line for each file.</summary>
internal static class CaptureInfoText
{
    private const int LabelWidth = 20;
    private const string TableFormat = "{0,10}  {1,13}  {2,9}  {3,9}  {4,14}  {5,-30}  {6,-8}  {7,-16}  {8}";

    /// <summary>The name of a container; null for none.</summary>
    internal static string? FormatName(CaptureFileFormat? format) => format switch
    {
        CaptureFileFormat.Pcap => "pcap",
        CaptureFileFormat.PcapNg => "pcapng",
        _ => null,
    };

    internal static void Write(TextWriter text, CaptureFileSummary summary)
    {
        Line(text, "File", Printable.Escape(summary.Path));
        Line(text, "Format", $"{FormatName(summary.Format)} ({summary.FormatDetail})");
        if (summary.FileBytes is { } size)
        {
            Line(text, "File size", $"{Number(size)} bytes");
        }

        Line(text, "Link types", LinkTypes(summary, "none"));
        Line(text, "Packets", Number(summary.Packets));
        Line(text, "Captured bytes", Number(summary.CapturedBytes));
        Line(text, "Original bytes", Number(summary.OriginalBytes));
        Line(text, "Truncated packets", Number(summary.TruncatedPackets));
        WriteTimes(text, summary);
        Line(text, "Dropped", summary.Dropped is { } dropped ? Number(dropped) : "not recorded");
        if (summary.PacketsWithComment > 0)
        {
            Line(text, "With a comment", Number(summary.PacketsWithComment));
        }

        if (summary.PacketsSha256 is { } hash)
        {
            Line(text, "Packets SHA-256", hash);
            Line(text, "File SHA-256", summary.FileSha256 ?? "not of a stream");
        }

        for (int i = 0; i < summary.Sections.Count; i++)
        {
            WriteSection(text, summary.Sections.Count == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"Section {i}: "), summary.Sections[i]);
        }

        for (int id = 0; id < summary.Interfaces.Count && summary.Format == CaptureFileFormat.PcapNg; id++)
        {
            WriteInterface(text, id, summary.Interfaces[id], summary.PacketsOfInterface[id]);
        }

        text.WriteLine();
    }

    internal static void WriteTableHead(TextWriter text) =>
        text.WriteLine(TableFormat, "Packets", "Bytes", "Cut", "Dropped", "Seconds", "First packet", "Format", "Link types", "File");

    internal static void WriteTableLine(TextWriter text, CaptureFileSummary summary)
    {
        string first = summary.FirstPacket is { } instant ? UtcTime.DateAndTime(instant) : "-";
        string duration = summary is { Earliest: { } earliest, Latest: { } latest } ? UtcTime.Seconds(latest, earliest)[..^3] : "-";
        string dropped = summary.Dropped is { } drops ? Number(drops) : "-";
        string damaged = summary.Error is null ? "" : " (damaged)";
        text.WriteLine(TableFormat, Number(summary.Packets), Number(summary.OriginalBytes), Number(summary.TruncatedPackets), dropped, duration, first,
            FormatName(summary.Format) ?? "-", LinkTypes(summary, "-"), Printable.Escape(summary.Path) + damaged);
    }

    private static void WriteTimes(TextWriter text, CaptureFileSummary summary)
    {
        if (summary is { FirstPacket: { } first, LastPacket: { } last, Earliest: { } earliest, Latest: { } latest })
        {
            Line(text, "First packet", UtcTime.DateAndTime(first));
            Line(text, "Last packet", UtcTime.DateAndTime(last));
            Line(text, "Duration", $"{UtcTime.Seconds(latest, earliest)} s");
            Line(text, "In order of time", summary.StepsBack == 0 ? "yes" : $"no, {Counted.Of(summary.StepsBack, "step")} back");
        }

        if (summary.PacketsWithoutTimestamp > 0)
        {
            Line(text, "Without a time", Counted.Of(summary.PacketsWithoutTimestamp, "packet"));
        }

        if (summary.AverageBytes is { } average)
        {
            Line(text, "Average packet", Text($"{average:0.##} bytes"));
        }

        if (summary is { PacketsPerSecond: { } packets, BitsPerSecond: { } bits })
        {
            Line(text, "Average rate", Text($"{packets:0.###} packets/s, {Rate(bits)}"));
        }
    }

    private static void WriteSection(TextWriter text, string prefix, PcapNgSection section)
    {
        void Part(string label, string? value)
        {
            if (value is not null)
            {
                Line(text, label, prefix + Printable.Escape(value));
            }
        }

        Part("Written by", section.Application);
        Part("Operating system", section.OperatingSystem);
        Part("Hardware", section.Hardware);
        Part("Comment", section.Comment);
    }

    private static void WriteInterface(TextWriter text, int id, CaptureInterface each, long packets)
    {
        string description = each.Description is { } words ? $" ({Printable.Escape(words)})" : "";
        string snap = each.SnapLength == 0 ? "" : $", snap length {Number(each.SnapLength)}";
        Line(text, $"Interface {Number(id)}",
            $"{Printable.Escape(each.Name ?? "(unnamed)")}{description}, {each.LinkType.GetName()}{snap}, {Resolution(each.TimestampResolution)}, {Counted.Of(packets, "packet")}");
        void Part(string label, string? value)
        {
            if (value is not null)
            {
                text.WriteLine($"{"",LabelWidth}{label}: {Printable.Escape(value)}");
            }
        }

        Part("filter", each.Filter);
        Part("operating system", each.OperatingSystem);
        Part("hardware", each.Hardware);
        Part("comment", each.Comment);
        InterfaceStatistics statistics = each.Statistics;
        (string What, ulong? Value)[] counters =
        [
            ("received", statistics.Received), ("accepted by the filter", statistics.AcceptedByFilter), ("delivered", statistics.Delivered),
            ("dropped by the interface", statistics.DroppedByInterface), ("dropped by the system", statistics.DroppedBySystem),
        ];
        string counted = string.Join(", ", counters.Where(counter => counter.Value is not null).Select(counter => Text($"{counter.Value} {counter.What}")));
        Part("recorded", counted.Length == 0 ? null : counted);
    }

    private static string Resolution(ulong unitsPerSecond) => unitsPerSecond switch
    {
        1_000_000_000 => "nanoseconds",
        1_000_000 => "microseconds",
        1_000 => "milliseconds",
        1 => "seconds",
        _ => Text($"1/{unitsPerSecond} s"),
    };

    private static string Rate(double bits) => bits switch
    {
        >= 1e9 => Text($"{bits / 1e9:0.###} Gbit/s"),
        >= 1e6 => Text($"{bits / 1e6:0.###} Mbit/s"),
        >= 1e3 => Text($"{bits / 1e3:0.###} kbit/s"),
        _ => Text($"{bits:0.###} bit/s"),
    };

    private static string LinkTypes(CaptureFileSummary summary, string none) =>
        summary.LinkTypes.Count == 0 ? none : string.Join(", ", summary.LinkTypes.Select(type => type.GetName()));

    private static void Line(TextWriter text, string label, string value) => text.WriteLine((label + ":").PadRight(LabelWidth) + value);

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
