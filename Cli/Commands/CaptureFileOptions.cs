using System.CommandLine;
using Interceptor.Capture.Files;
using Interceptor.Capture.Live;
using Interceptor.Cli.Input;

namespace Interceptor.Cli.Commands;

/// <summary>Where <c>interceptor capture</c> writes packets, when it goes on in a further file and how many it keeps.</summary>
internal static class CaptureFileOptions
{
    private static readonly Option<string?> WriteTo = new("-w", "--write")
    {
        Description = "Write to a file instead of printing: pcapng, or pcap if the name ends in .pcap; compressed if .gz or .zst follows; - is standard output.",
        HelpName = "FILE",
    };

    private static readonly Option<string?> FileSize = new("-C", "--file-size")
    {
        Description = "With -w: go on in a further file when one has reached SIZE, as 100MB. Files are numbered: FILE-00001, ...",
        HelpName = "SIZE",
    };

    private static readonly Option<string?> FileTime = new("-G", "--file-time")
    {
        Description = "With -w: go on in a further file when one has been open for a duration, as 60 (seconds) or 5m.",
        HelpName = "SECONDS",
    };

    private static readonly Option<int?> FileCount = new("-W", "--file-count")
    {
        Description = "With -C or -G: keep the last N files and delete older ones.",
        HelpName = "FILES",
    };

    private static readonly Option<string?> Format = new("--format") { Description = "With -w: pcapng or pcap, whatever the name.", HelpName = "FORMAT" };

    static CaptureFileOptions() => Format.AcceptOnlyFromAmong("pcapng", "pcap");

    /// <summary>The options, in the order of the help.</summary>
    internal static IEnumerable<Option> All => [WriteTo, Format, FileSize, FileTime, FileCount];

    /// <summary>The file to write; null to print.</summary>
    internal static string? PathOf(ParseResult parsed) => parsed.GetValue(WriteTo);

    /// <summary>The format that was asked for; null for the one of the name.</summary>
    /// <exception cref="UsageException">No file is written.</exception>
    internal static CaptureFileFormat? FormatOf(ParseResult parsed) => parsed.GetValue(Format) switch
    {
        null => null,
        _ when PathOf(parsed) is null => throw new UsageException("--format goes with -w."),
        "pcap" => CaptureFileFormat.Pcap,
        _ => CaptureFileFormat.PcapNg,
    };

    /// <summary>When to begin a further file; null for one file.</summary>
    /// <exception cref="UsageException">The options don't go together.</exception>
    internal static CaptureRotation? RotationOf(ParseResult parsed)
    {
        string? size = parsed.GetValue(FileSize);
        string? time = parsed.GetValue(FileTime);
        int? files = parsed.GetValue(FileCount);
        if (size is null && time is null)
        {
            return files is null ? null : throw new UsageException("-W goes with -C or -G.");
        }

        if (PathOf(parsed) is null or CaptureFile.StandardStream)
        {
            throw new UsageException("-C and -G go with -w and the name of a file.");
        }

        var rotation = new CaptureRotation
        {
            FileBytes = size is null ? null : Quantity.Size(size),
            FileTime = time is null ? null : Quantity.Duration(time),
            Files = files,
        };
        return rotation.FileBytes <= 0 || rotation.FileTime <= TimeSpan.Zero || rotation.Files <= 0
            ? throw new UsageException("-C, -G and -W want more than 0.")
            : rotation;
    }
}
