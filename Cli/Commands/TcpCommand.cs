using System.CommandLine;
using System.Globalization;
using System.Runtime.ExceptionServices;
using Interceptor.Capture.Files;
using Interceptor.Capture.Live;
using Interceptor.Cli.Graph;
using Interceptor.Cli.Input;
using Interceptor.Cli.Live;
using Interceptor.Cli.Output;
using Interceptor.Filters;
using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tcp.Streams;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor tcp (FILE | -i IF)</c>: the connections of a capture or an interface, their sockets' state, their streams.</summary>
internal static class TcpCommand
{
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromSeconds(1);

    private static readonly Argument<string?> File = new("FILE")
    {
        Description = "Capture file: pcap or pcapng, also compressed with gzip or Zstandard; - is standard input. With -i there is none. " + CaptureLimits.Text,
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Argument<string[]> Filter = FilterWords.CreateArgument();

    private static readonly Option<string?> Interface = new("-i", "--interface")
    {
        Description = "Follow the connections on an interface until Ctrl-C, -c or --duration; any for all of them. On a terminal, a table that is drawn anew each second; q ends it.",
        HelpName = "IF",
    };

    private static readonly Option<long?> Count = new("-c", "--count") { Description = "Stop after N packets.", HelpName = "N" };

    private static readonly Option<string?> Duration = new("--duration") { Description = "With -i: stop after this time, as 30s.", HelpName = "D" };

    private static readonly Option<string?> At = new("--at")
    {
        Description = "With FILE: the state as of this instant: seconds from the capture's first packet, or ns since the epoch.",
        HelpName = "T",
    };

    private static readonly Option<int?> Connection = new("--connection") { Description = "Only the connection with this id, with all that is known of it.", HelpName = "ID" };

    private static readonly Option<int?> Follow = new("--follow") { Description = "Print the contents of this connection's streams.", HelpName = "ID" };

    private static readonly Option<string?> Side = new("--side")
    {
        Description = "With --follow: only what this side sent. Default: both sides, in the order of their packets.",
        HelpName = "client|server",
    };

    private static readonly Option<StreamFormat?> Format = new("--format")
    {
        Description = "With --follow: as text with > and < before the lines of client and server, as raw bytes, or hexadecimal. Default: text, but raw for one side's bytes that go to a pipe or a file.",
        HelpName = "text|raw|hex",
        CustomParser = result => Enum.TryParse(result.Tokens[0].Value, ignoreCase: true, out StreamFormat format) && char.IsAsciiLetter(result.Tokens[0].Value[0])
            ? format
            : Reject(result),
    };

    private static readonly Option<string?> Extract = new("--extract")
    {
        Description = "Write what each side of each connection sent into a file of this directory, named as 192.0.2.1.49152-192.0.2.2.80.",
        HelpName = "DIR",
    };

    private static readonly Option<int?> Graph = new("--graph")
    {
        Description = "With -o: draw what this connection sent, acknowledged, offered and repeated over time.",
        HelpName = "ID",
    };

    private static readonly Option<string?> OutputPath = new("-o", "--output")
    {
        Description = "With --follow: write to this file. With --graph: the file, by its name a picture (.svg), a page with details under the pointer and zoom (.html) or the numbers (.csv).",
        HelpName = "FILE",
    };

    private static readonly Option<bool> NoHash = new("--no-hash") { Description = "Don't hash the streams, and don't copy their bytes." };

    private static readonly Option<string?> MaxMemory = new("--max-memory")
    {
        Description = "Memory of the process at most, as 256MiB. When it is reached closed connections are put aside first, then text behind a gap waits no longer, "
            + "then half-open connections, the oldest first, and idle ones are given up: they are told as \"evicted\", and counted. Default: 512MiB.",
        HelpName = "SIZE",
    };

    internal static Command Create()
    {
        Side.AcceptOnlyFromAmong("client", "server");
        var command = new Command("tcp", "Follows the TCP connections of a capture or an interface and rebuilds their sockets' state.")
        {
            File, Filter, Interface, Count, Duration, At, Connection, Follow, Side, Format, Extract, Graph, OutputPath, NoHash, MaxMemory,
        };
        command.SetBody(Run);
        return command;
    }

    private static int Run(ParseResult parsed, CommandContext context)
    {
        CheckOptions(parsed);
        long limit = parsed.GetValue(Count) ?? long.MaxValue;
        if (limit <= 0)
        {
            throw new UsageException("-c wants a number above 0.");
        }

        string? interfaceName = parsed.GetValue(Interface);
        using TimeSequenceGraph? graph = CreateGraph(parsed);
        using FollowedStream? followed = parsed.GetValue(Follow) is { } id
            ? new FollowedStream(context.Output, id, parsed.GetValue(Side), parsed.GetValue(Format), parsed.GetValue(OutputPath), isLive: interfaceName is not null)
            : null;
        using StreamExtractor? extractor = parsed.GetValue(Extract) is { } directory ? new StreamExtractor(directory, parsed.GetValue(Connection)) : null;
        var budget = MemoryBudget.Parse(parsed.GetValue(MaxMemory));
        budget.PostponeCollection();
        var options = new TcpTrackerOptions
        {
            HashStreams = !parsed.GetValue(NoHash) && followed is null,
            MaximumBytes = budget.TrackerBytes,
            NotesLoneSyns = interfaceName is null,
        };
        using var log = new ConnectionLog(budget.LogBytes);
        var tracker = new TcpTracker(options, followed?.Printer ?? (ITcpStreamConsumer?)extractor, graph?.Recorder, log);
        var reading = new TcpReading(tracker, TcpInstant.Parse(parsed.GetValue(At)), limit, budget);
        if (interfaceName is { } name)
        {
            ReadInterface(parsed, name, reading, context);
        }
        else
        {
            ReadFile(parsed, reading, context);
        }

        if (reading.InstantRemark is { } remark)
        {
            context.Output.Warn(remark);
        }

        int code;
        if (followed is null)
        {
            code = Report(context.Output, reading, log, parsed.GetValue(Connection), graph, extractor);
        }
        else
        {
            tracker.Finish(reading.End);
            code = CheckId(context.Output, reading, parsed.GetValue(Follow)!.Value);
            followed.Finish(isWhole: code == ExitCode.Done && !reading.WasInterrupted);
        }

        context.Output.Flush();
        if (reading.WasInterrupted)
        {
            context.Output.Warn($"interrupted after {Counted.Of(reading.Packets, "packet")}.");
        }

        if (reading.Damage is { } damage)
        {
            ExceptionDispatchInfo.Throw(damage);
        }

        return code;
    }

    private static void CheckOptions(ParseResult parsed)
    {
        if (parsed.GetValue(Follow) is null && (parsed.GetValue(Side) is not null || parsed.GetValue(Format) is not null))
        {
            throw new UsageException("--side and --format need --follow ID.");
        }

        if (parsed.GetValue(Follow) is not null && parsed.GetValue(Extract) is not null)
        {
            throw new UsageException("--follow prints one connection's streams, --extract writes all of them: give one of both.");
        }

        if (parsed.GetValue(Follow) is { } followed && parsed.GetValue(Connection) is { } only && only != followed)
        {
            throw new UsageException("--follow ID names its connection: leave another --connection out.");
        }

        if (parsed.GetValue(Interface) is not null && parsed.GetValue(At) is not null)
        {
            throw new UsageException("--at looks back into a capture FILE, and an interface has no past: record it with interceptor capture -i IF -w FILE, then give FILE and --at.");
        }
    }

    private static StreamFormat? Reject(System.CommandLine.Parsing.ArgumentResult result)
    {
        result.AddError($"--format: '{result.Tokens[0].Value}' is none of text, raw, hex.");
        return null;
    }

    private static TimeSequenceGraph? CreateGraph(ParseResult parsed)
    {
        bool isForStream = parsed.GetValue(Follow) is not null && parsed.GetValue(Graph) is null;
        if (GraphRequest.Parse(parsed.GetValue(Graph), isForStream ? null : parsed.GetValue(OutputPath)) is not { } request)
        {
            return null;
        }

        if (parsed.GetValue(Follow) is not null || (parsed.GetValue(Connection) is { } only && only != request.ConnectionId))
        {
            throw new UsageException("--graph tells of its own connection: leave --follow and other --connection out.");
        }

        return new TimeSequenceGraph(request, parsed.GetValue(Interface) ?? Path.GetFileName(parsed.GetValue(File)) ?? "");
    }

    private static void ReadFile(ParseResult parsed, TcpReading reading, CommandContext context)
    {
        string path = parsed.GetValue(File) ?? throw new UsageException("give a capture FILE, or -i IF for an interface.");
        if (parsed.GetValue(Duration) is not null)
        {
            throw new UsageException("--duration is for -i.");
        }

        InputFile.Check(path);
        context.Signals.SecondEndsAtOnce = true;
        using CaptureFileReader source = CaptureFile.OpenRead(path, context.Signals.Token);
        string expression = FilterWords.Join(parsed.GetValue(Filter));
        LinkTypeFilter? filter = expression.Length == 0 ? null : new LinkTypeFilter(expression);
        FilterWords.CheckBefore(filter, source);
        using (ProgressLine.OfReading(context.Output, () => source, () => string.Create(CultureInfo.InvariantCulture,
            $"{reading.Packets} packets, {reading.Tracker.Statistics.Begun} connections")))
        {
            reading.ReadAll(source, filter);
        }

        if (reading.WasInterrupted && reading.Packets == 0)
        {
            throw new OperationCanceledException(context.Signals.Token);
        }

        FilterWords.CheckAfter(filter, source);
    }

    private static void ReadInterface(ParseResult parsed, string name, TcpReading reading, CommandContext context)
    {
        // With an interface all words are the filter's.
        string expression = FilterWords.Join([.. parsed.GetValue(File) is { } first ? [first] : Array.Empty<string>(), .. parsed.GetValue(Filter) ?? []]);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.Signals.Token);
        var options = new LiveCaptureOptions { Interface = name, Filter = expression };
        using var source = new LivePacketSource(LiveCapture.Open(options, stop.Token));
        context.Output.Error.WriteLine($"listening on {Printable.Escape(name)}, link-type {source.Interfaces[0].LinkType.GetName()}");
        if (parsed.GetValue(Duration) is { } duration)
        {
            stop.CancelAfter(Quantity.Duration(duration));
        }

        using (LivePage? page = OpenPage(parsed, name, reading, source.Capture, context))
        {
            reading.ReadAll(source, filter: null, isWatched: page is not null);
            page?.Dispose();
            page?.ThrowFailure();
        }

        source.Capture.Stop();
        LiveCaptureStatistics statistics = source.Capture.Statistics;
        if (statistics.DroppedByKernel + statistics.DroppedByUser > 0)
        {
            context.Output.Warn(string.Create(CultureInfo.InvariantCulture,
                $"{statistics.DroppedByKernel} packets were dropped by the kernel and {statistics.DroppedByUser} by us: counts and streams have gaps."));
        }
    }

    private static LivePage? OpenPage(ParseResult parsed, string name, TcpReading reading, LiveCapture capture, CommandContext context) =>
        context.Output.Json || parsed.GetValue(Follow) is not null || !LivePage.IsPossible
            ? null
            : new LivePage(
                new ConnectionScreen(
                    $"tcp -i {Printable.Escape(name)}",
                    [new InterfaceFeed(reading, capture, new ConnectionRates(), parsed.GetValue(Connection))],
                    new LiveTable<ConnectionRow>(ConnectionColumns.OfTcp, ConnectionColumns.DefaultOf(ConnectionColumns.OfTcp), row => row.IsOver)),
                RefreshInterval, capture.Stop);

    private static int Report(CommandOutput output, TcpReading reading, ConnectionLog log, int? only, TimeSequenceGraph? graph, StreamExtractor? extractor)
    {
        bool isAlone = only is not null;
        only ??= graph?.ConnectionId;
        int code = only is { } id ? CheckId(output, reading, id) : ExitCode.Done;
        output.HoldJson = true;
        var printer = new ConnectionPrinter(output);
        log.TellAll(reading.Tracker, reading.End, (in TcpConnectionReport connection) =>
        {
            if (only is null || connection.Id == only)
            {
                printer.Print(in connection, isAlone);
            }
        });
        graph?.Finish(output);
        if (code == ExitCode.Done && !reading.WasInterrupted)
        {
            extractor?.Finish(output);
        }

        TcpTrackerStatistics statistics = reading.Tracker.Statistics;
        if (output.Json)
        {
            output.WriteJson("summary", json =>
            {
                json.WriteNumber("connections", reading.Tracker.Statistics.Begun);
                json.WriteNumber("packets", reading.Packets);
                json.WriteNumber("matched", reading.Matched);
                json.WriteNumber("tcp_segments", reading.Tracker.Segments);
                json.WriteBoolean("interrupted", reading.WasInterrupted);
                if (reading.Latest is { } latest)
                {
                    json.WriteNumber("at_ns", latest);
                }

                json.WriteNumber("gaps_given_up", statistics.GapsGivenUp);
                json.WriteNumber("evicted_connections", statistics.Evicted);
                json.WriteNumber("evicted_half_open", statistics.EvictedHalfOpen);
                json.WriteNumber("evicted_idle", statistics.EvictedIdle);
                json.WriteNumber("peak_tracked_bytes", statistics.PeakTrackedBytes);
                json.WriteString("error", reading.Damage?.Message);
            });
        }
        else
        {
            output.Text.WriteLine($"{Counted.Of(statistics.Begun, "connection")}, {Counted.Of(reading.Tracker.Segments, "TCP segment")}, {Counted.Of(reading.Packets, "packet")}");
        }

        printer.WarnOfGivenUp(statistics, "--max-memory was reached");
        return code;
    }

    private static int CheckId(CommandOutput output, TcpReading reading, int id)
    {
        int count = reading.Tracker.Statistics.Begun;
        if (id >= 0 && id < count)
        {
            return ExitCode.Done;
        }

        string known = count == 0 ? "there is none" : string.Create(CultureInfo.InvariantCulture, $"the ids are 0 to {count - 1}");
        output.Warn($"no connection has the id {id}: {known}.");
        return ExitCode.Failed;
    }
}
