using System.CommandLine;
using System.Globalization;
using Interceptor.Capture.Files;
using Interceptor.Capture.Live;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;

namespace Interceptor.Cli.Commands;

/// <summary>Where <c>interceptor capture</c> writes packets, when it goes on in a further file, how many it keeps, and what is done with those that are closed.</summary>
internal static class CaptureFileOptions
{
    private const long BytesOfBareSize = 1_000_000;

    private static readonly Option<string?> WriteTo = new("-w", "--write")
    {
        Description = "Write to a file instead of printing: pcapng, or pcap if the name ends in .pcap; compressed if .gz or .zst follows; - is standard output. SIGHUP begins a further file, SIGUSR1 tells the counts, SIGUSR2 hands all to the file.",
        HelpName = "FILE",
    };

    private static readonly Option<string?> FileSize = new("-C", "--file-size")
    {
        Description = "With -w: a file ends when it takes SIZE on the disk, as 100MB or 64KiB; a bare number is millions of bytes. Files are numbered, FILE-00001, "
            + "unless FILE has conversions of strftime, as lo-%Y%m%d-%H%M%S.pcapng: then only where a name would come again.",
        HelpName = "SIZE",
    };

    private static readonly Option<string?> FileTime = new("-G", "--file-time")
    {
        Description = "With -w: a file ends when it has been open for a duration, as 60 (seconds) or 5m.",
        HelpName = "SECONDS",
    };

    private static readonly Option<string?> FileClock = new("--every")
    {
        Description = "With -w: a file ends on the clock, when local time is a multiple of a duration that divides a day, as 1h, 15m or 1d.",
        HelpName = "DURATION",
    };

    private static readonly Option<long?> FilePackets = new("--packets-per-file")
    {
        Description = "With -w: a file ends when it has N packets.",
        HelpName = "N",
    };

    private static readonly Option<int?> FileCount = new("-W", "--file-count")
    {
        Description = "With -C, -G, --every, --packets-per-file or --keep: a ring of the last N files, the oldest is deleted (tcpdump's -W with -G stops instead).",
        HelpName = "FILES",
    };

    private static readonly Option<string?> Keep = new("--keep")
    {
        Description = "With -w: delete the oldest files of this recording to stay within SIZE, as 10GB; without -C a file ends at a tenth of it.",
        HelpName = "SIZE",
    };

    private static readonly Option<bool> PrintName = new("--print-name")
    {
        Description = "With -w: print the name of each file when it is closed, one a line.",
    };

    private static readonly Option<string?> Command = new("-z", "--postrotate-command")
    {
        Description = "With -w: run a command on each file when it is closed, as 'xz -9': words, which '' and \"\" hold together, the file's name behind them; no shell.",
        HelpName = "COMMAND",
    };

    private static readonly Option<string?> Format = new("--format") { Description = "With -w: pcapng or pcap, whatever the name.", HelpName = "FORMAT" };

    static CaptureFileOptions() => Format.AcceptOnlyFromAmong("pcapng", "pcap");

    /// <summary>The options, in the order of the help.</summary>
    internal static IEnumerable<Option> All => [WriteTo, Format, FileSize, FileTime, FileClock, FilePackets, FileCount, Keep, PrintName, Command];

    /// <summary>The file to write; null to print.</summary>
    internal static string? PathOf(ParseResult parsed) => parsed.GetValue(WriteTo);

    /// <summary>Everything about the file; null to print.</summary>
    /// <exception cref="UsageException">The options don't go together.</exception>
    internal static CaptureRecordingOptions? Read(ParseResult parsed, CommandOutput output)
    {
        CaptureRotation? rotation = RotationOf(parsed);
        string? path = PathOf(parsed);
        CaptureFileFormat? format = FormatOf(parsed);
        string? command = parsed.GetValue(Command);
        bool printName = parsed.GetValue(PrintName);
        bool needsName = rotation is not null || command is not null || printName;
        if (needsName && path is null or CaptureFile.StandardStream)
        {
            throw new UsageException("-C, -G, --every, --packets-per-file, --keep, --print-name and -z go with -w and the name of a file.");
        }

        if (path is null)
        {
            return null;
        }

        if (rotation is not null)
        {
            CheckName(path);
        }
        else if (IsPattern(path))
        {
            output.Warn($"-w: {Printable.Escape(path)} is taken as it is: a name gets the time where one of -C, -G, --every, --packets-per-file or --keep begins further files.");
        }

        return new CaptureRecordingOptions(path, format, rotation, printName, command is null ? null : CommandWords.Split(command, "-z"));
    }

    private static CaptureFileFormat? FormatOf(ParseResult parsed) => parsed.GetValue(Format) switch
    {
        null => null,
        _ when PathOf(parsed) is null => throw new UsageException("--format goes with -w."),
        "pcap" => CaptureFileFormat.Pcap,
        _ => CaptureFileFormat.PcapNg,
    };

    private static CaptureRotation? RotationOf(ParseResult parsed)
    {
        var rotation = new CaptureRotation
        {
            FileBytes = parsed.GetValue(FileSize) is { } size ? BytesOf(size) : null,
            FileTime = parsed.GetValue(FileTime) is { } time ? Quantity.Duration(time) : null,
            Every = parsed.GetValue(FileClock) is { } every ? Quantity.Duration(every) : null,
            FilePackets = parsed.GetValue(FilePackets),
            KeepBytes = parsed.GetValue(Keep) is { } keep ? Quantity.Size(keep) : null,
        };
        int? files = parsed.GetValue(FileCount);
        if (rotation == new CaptureRotation())
        {
            return files is null ? null : throw new UsageException("-W goes with -C, -G, --every, --packets-per-file or --keep.");
        }

        if (rotation.FileBytes <= 0 || rotation.FileTime <= TimeSpan.Zero || rotation.FilePackets <= 0 || rotation.KeepBytes <= 0 || files <= 0)
        {
            throw new UsageException("-C, -G, --packets-per-file, -W and --keep want more than 0.");
        }

        if (rotation.Every is { } multiple && !ClockBoundary.IsDivisor(multiple))
        {
            throw new UsageException("--every wants a duration that divides a day, from 1s to 1d, as 15m or 1h; for any other there is -G, which counts from the file's begin.");
        }

        return rotation.FileBytes > rotation.KeepBytes
            ? throw new UsageException("-C is more than --keep: one file would not fit into what is kept.")
            : rotation with { Files = files };
    }

    /// <summary>As tcpdump: a bare number is millions of bytes. With a unit as everywhere here.</summary>
    private static long BytesOf(string size)
    {
        if (!long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out long millions))
        {
            return Quantity.Size(size);
        }

        return millions <= long.MaxValue / BytesOfBareSize ? millions * BytesOfBareSize : throw new UsageException($"'{size}' is too large.");
    }

    private static bool IsPattern(string path)
    {
        try
        {
            return FileNamePattern.Parse(path).HasConversions;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static void CheckName(string path)
    {
        try
        {
            FileNamePattern.Parse(path);
        }
        catch (FormatException exception)
        {
            throw new UsageException($"-w: {exception.Message}.");
        }
    }
}
