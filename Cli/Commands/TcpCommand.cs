using System.CommandLine;
using System.Globalization;
using System.Runtime.ExceptionServices;
using Interceptor.Capture;
using Interceptor.Capture.Files;
using Interceptor.Cli.Output;
using Interceptor.Filters;
using Interceptor.Packets;
using Interceptor.Tcp;
using Interceptor.Tcp.Streams;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor tcp FILE</c>: the connections of a capture, their sockets' state, their streams.</summary>
internal static class TcpCommand
{
    // An instant in seconds from the start has fewer digits for the next three million years.
    private const decimal SmallestEpochNanoseconds = 100_000_000_000_000m;
    private const int PacketsBetweenStopChecks = 4096;

    private static readonly Argument<string> File = new("FILE")
    {
        Description = "Capture file: pcap or pcapng, also compressed with gzip; - is standard input.",
    };

    private static readonly Argument<string[]> Filter = new("filter")
    {
        Description = "Only packets that match this pcap-filter expression.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<string?> At = new("--at")
    {
        Description = "The state as of this instant: seconds from the capture's first packet, or ns since the epoch.",
        HelpName = "T",
    };

    private static readonly Option<int?> Connection = new("--connection") { Description = "Only the connection with this id.", HelpName = "ID" };

    private static readonly Option<int?> Follow = new("--follow") { Description = "Print the contents of this connection's streams.", HelpName = "ID" };

    private static readonly Option<string?> Side = new("--side")
    {
        Description = "With --follow: the bytes that this side sent, raw. Default: both sides as text.",
        HelpName = "client|server",
    };

    private static readonly Option<bool> NoHash = new("--no-hash") { Description = "Don't hash the streams, and don't copy their bytes." };

    internal static Command Create()
    {
        Side.AcceptOnlyFromAmong("client", "server");
        var command = new Command("tcp", "Follows the TCP connections of a capture and rebuilds their sockets' state.")
        {
            File, Filter, At, Connection, Follow, Side, NoHash,
        };
        command.SetBody(Run);
        return command;
    }

    private static int Run(ParseResult parsed, CommandContext context)
    {
        int? follow = parsed.GetValue(Follow);
        if (parsed.GetValue(Side) is not null && follow is null)
        {
            throw new UsageException("--side needs --follow ID.");
        }

        StreamPrinter? printer = follow is { } id ? new StreamPrinter(context.Output, id, parsed.GetValue(Side)) : null;
        var options = new TcpTrackerOptions { HashStreams = !parsed.GetValue(NoHash) && printer is null };
        var reading = new Reading(options, printer, ParseInstant(parsed.GetValue(At)), new LinkTypeFilter(string.Join(' ', parsed.GetValue(Filter) ?? [])));
        using (IPacketSource source = CaptureFile.OpenRead(parsed.GetRequiredValue(File)))
        {
            reading.ReadAll(source, context.Signals.Token);
        }

        int code = printer is null
            ? Report(context.Output, reading, parsed.GetValue(Connection))
            : CheckId(context.Output, reading, follow!.Value);
        printer?.End();
        if (reading.Damage is { } damage)
        {
            context.Output.Flush();
            ExceptionDispatchInfo.Throw(damage);
        }

        return code;
    }

    private static int Report(CommandOutput output, Reading reading, int? only)
    {
        int code = only is { } id ? CheckId(output, reading, id) : ExitCode.Done;
        foreach (TcpConnection connection in reading.Tracker.Connections)
        {
            if (only is not null && connection.Id != only)
            {
                continue;
            }

            if (output.Json)
            {
                output.WriteJson("connection", json => TcpConnectionJson.Write(json, connection));
            }
            else
            {
                TcpConnectionText.Write(output.Text, connection);
            }
        }

        if (output.Json)
        {
            output.WriteJson("summary", json =>
            {
                json.WriteNumber("connections", reading.Tracker.Connections.Count);
                json.WriteNumber("packets", reading.Packets);
                json.WriteNumber("matched", reading.Matched);
                json.WriteNumber("tcp_segments", reading.Tracker.Segments);
                json.WriteString("error", reading.Damage?.Message);
            });
        }
        else
        {
            output.Text.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{reading.Tracker.Connections.Count} connections, {reading.Tracker.Segments} TCP segments, {reading.Packets} packets"));
        }

        return code;
    }

    private static int CheckId(CommandOutput output, Reading reading, int id)
    {
        int count = reading.Tracker.Connections.Count;
        if (id >= 0 && id < count)
        {
            return ExitCode.Done;
        }

        string known = count == 0 ? "there is none" : string.Create(CultureInfo.InvariantCulture, $"the ids are 0 to {count - 1}");
        output.Warn($"no connection has the id {id}: {known}.");
        return ExitCode.Failed;
    }

    private static Instant? ParseInstant(string? text)
    {
        if (text is null)
        {
            return null;
        }

        if (!decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value) || value > long.MaxValue)
        {
            throw new UsageException($"--at: '{text}' is no instant: give seconds from the first packet, as 1.5, or nanoseconds since the epoch.");
        }

        return value >= SmallestEpochNanoseconds ? new Instant((long)value, IsRelative: false) : new Instant((long)(value * 1_000_000_000m), IsRelative: true);
    }

    private readonly record struct Instant(long Nanoseconds, bool IsRelative);

    /// <summary>Feeds a tracker from a source: all packets that match and are not later than the instant.</summary>
    private sealed class Reading(TcpTrackerOptions options, ITcpStreamConsumer? consumer, Instant? at, LinkTypeFilter filter)
    {
        private long? _limit = at is { IsRelative: false } instant ? instant.Nanoseconds : null;

        internal TcpTracker Tracker { get; } = new(options, consumer);

        internal long Packets { get; private set; }

        internal long Matched { get; private set; }

        internal CaptureFileException? Damage { get; private set; }

        internal void ReadAll(IPacketSource source, CancellationToken stop)
        {
            try
            {
                foreach (CaptureInterface each in source.Interfaces)
                {
                    // A mistake in the expression is told even if no packet follows.
                    filter.ForLinkType(each.LinkType);
                }

                while (source.TryRead(out CapturedPacket packet))
                {
                    if (Packets++ % PacketsBetweenStopChecks == 0)
                    {
                        stop.ThrowIfCancellationRequested();
                    }

                    Take(in packet);
                }
            }
            catch (CaptureFileException damage)
            {
                Damage = damage;
            }

            Tracker.Finish();
        }

        private void Take(in CapturedPacket packet)
        {
            CaptureTimestamp time = packet.Metadata.Timestamp;
            if (at is { } instant)
            {
                _limit ??= (time + instant.Nanoseconds).Nanoseconds;
                if (time.Nanoseconds > _limit)
                {
                    return;
                }
            }

            if (filter.IsEmpty || filter.Matches(in packet))
            {
                Matched++;
                PacketView view = packet.Parse();
                Tracker.Process(in view, time, packet.Metadata.Number);
            }
        }
    }
}
