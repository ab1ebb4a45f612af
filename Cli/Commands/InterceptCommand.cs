using System.CommandLine;
using System.Globalization;
using Interceptor.Capture.Files;
using Interceptor.Capture.Intercept;
using Interceptor.Cli.Holding;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;
using Interceptor.Filters;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor intercept [actions] [filter]</c>: packets on their way through this machine, with a verdict for each.</summary>
internal static class InterceptCommand
{
    private static readonly Option<string> Hook = new("--hook")
    {
        Description = "Where packets are taken: input, output, forward, prerouting, postrouting, or both (input and output). Of several runs at one hook the first started gets the packets.",
        HelpName = "HOOK",
        DefaultValueFactory = _ => "both",
    };

    private static readonly Option<string?> Queue = new("--queue")
    {
        Description = "The queue number; a free one is chosen without it. A range has a thread for each queue: packets are spread by their two addresses, and a connection stays in one.",
        HelpName = "N[-M]",
    };

    private static readonly Option<int?> QueueLength = new("--queue-length")
    {
        Description = "Packets that the kernel lets wait for a verdict in each queue, also those that are delayed. Default: 65536.",
        HelpName = "N",
    };

    private static readonly Option<string?> Netns = new("--netns") { Description = "Work in this network namespace (a name of ip netns, or a path).", HelpName = "NAME" };

    private static readonly Option<string?> OnFailure = new("--on-failure")
    {
        Description = "What happens to the traffic when we are overloaded, and after a crash until the rules are removed: open (it passes unseen; the default where packets are only looked at) or "
            + "closed (it is dropped; the default with an action).",
        HelpName = "open|closed",
    };

    private static readonly Option<bool> Reset = new("--reset") { Description = "End the connection of each matching TCP segment: drop the segment, send both ends a reset." };

    private static readonly Option<string?> Mark = new("--mark") { Description = "Let packets go on with this firewall mark, as 7 or 0x10.", HelpName = "N" };

    private static readonly Option<string?> Record = new("--record")
    {
        Description = "Write what was decided about each packet into a file, for --schedule.",
        HelpName = "FILE",
    };

    private static readonly Option<string?> Schedule = new("--schedule")
    {
        Description = "Do again what --record wrote: the n-th packet of a direction of the n-th connection at a hook meets the same. Goes with no other impairment.",
        HelpName = "FILE",
    };

    private static readonly Option<string?> Write = new("--write", "-w") { Description = "Record each packet with its verdict (pcapng) instead of printing it.", HelpName = "FILE" };

    private static readonly Option<bool> Connections = new("--connections")
    {
        Description = "Follow the TCP connections of the packets that come, and print them at the end as interceptor tcp does.",
    };

    private static readonly Option<long?> Count = new("--count", "-c") { Description = "End after so many packets.", HelpName = "N" };

    private static readonly Option<string?> Duration = new("--duration") { Description = "End after this time, as 30s.", HelpName = "D" };

    private static readonly Option<bool> Quiet = new("--quiet", "-q") { Description = "Print no line for each packet, only the summary." };

    private static readonly Argument<string[]> Filter = FilterWords.CreateArgument();

    internal static Command Create()
    {
        var command = new Command("intercept", "Takes packets inline (NFQUEUE), shows them, impairs them as a bad network would, replaces what they carry, holds them, and lets the rest go on.")
        {
            Hook, Queue, QueueLength, Netns, OnFailure,
        };
        foreach (Option option in ImpairmentArguments.All)
        {
            command.Options.Add(option);
        }

        foreach (Option option in (ReadOnlySpan<Option>)[EditArguments.Replace, EditArguments.Set, .. HoldArguments.All, Reset, Mark, Record, Schedule, Write, Connections, Count, Duration, Quiet])
        {
            command.Options.Add(option);
        }

        command.Arguments.Add(Filter);
        command.SetBody(Run);
        return command;
    }

    private static int Run(ParseResult parsed, CommandContext context)
    {
        OutputFile.Check(parsed.GetValue(Write), context.Output);
        OutputFile.Check(parsed.GetValue(Record), context.Output);
        InterceptOptions options = ReadOptions(parsed, context);
        HoldRequest? hold = HoldArguments.Read(parsed);
        if (parsed.GetValue(Netns) is not { } name)
        {
            return Intercept(parsed, context, options, hold);
        }

        using NetworkNamespace network = NetworkNamespace.Open(name);
        return network.Run(() => Intercept(parsed, context, options, hold));
    }

    private static int Intercept(ParseResult parsed, CommandContext context, InterceptOptions options, HoldRequest? holdRequest)
    {
        string? path = parsed.GetValue(Write);
        using CaptureFileWriter? file = path is null ? null : CaptureFile.Create(path);
        InterceptRecorder? recorder = file is null ? null : new InterceptRecorder(file, options.Hooks, FilterWords.Join(parsed.GetValue(Filter)));
        using FileWrittenAside? record = parsed.GetValue(Record) is { } recordPath ? new FileWrittenAside(recordPath) : null;
        using ImpairmentScheduleWriter? writer = record is null ? null : new ImpairmentScheduleWriter(record.Stream);
        using HoldRun? hold = holdRequest is null ? null : new HoldRun(holdRequest, context.Output, context.Signals.Token);
        options = options with { Record = writer, Hold = hold?.Queue };
        using InterceptedConnections? connections = parsed.GetValue(Connections) ? new InterceptedConnections(options.Hooks) : null;
        bool showsPackets = file is null && !parsed.GetValue(Quiet) && hold is not { IsWorkedOn: true };
        using RuleGuard guard = RuleGuard.Start(context.Output);
        using InterceptSession session = InterceptSession.Start(options);
        guard.Protects(session);
        var report = new InterceptReport(context.Output, showsPackets);
        guard.AwaitReady();
        report.Started(session, options, parsed.GetValue(Netns));
        void ShowStatistics() => context.Output.Error.WriteLine(InterceptReport.Text(session.ReadSummary()));
        if (hold is not { IsPage: true })
        {
            // A page shows them all the time, and lines would stand in its way.
            context.Signals.StatisticsRequested += ShowStatistics;
        }

        session.KernelDropped += hold is { IsPage: true } ? hold.KernelDropped : report.KernelDropped;
        session.Noticed += hold is { IsPage: true } ? hold.Noticed : report.Noticed;
        hold?.Start(session);
        try
        {
            InterceptObserver observe = (in fate) =>
            {
                recorder?.Record(in fate);
                connections?.Take(in fate);
                report.Packet(in fate);
            };

            // Where nobody looks, packets pass without being described.
            bool isWatched = showsPackets || recorder is not null || connections is not null;
            InterceptSummary summary = session.Run(isWatched ? observe : null, hold?.Stop ?? context.Signals.Token);
            hold?.End();
            file?.Flush();
            writer?.Flush();
            record?.Commit();
            connections?.Print(context.Output);
            report.Finished(session, summary);
            return ExitCode.Done;
        }
        finally
        {
            context.Signals.StatisticsRequested -= ShowStatistics;
        }
    }

    private static InterceptOptions ReadOptions(ParseResult parsed, CommandContext context)
    {
        string expression = FilterWords.Join(parsed.GetValue(Filter));
        ImpairmentOptions impairments = ImpairmentArguments.Read(parsed);
        (ushort? first, int count) = ReadQueues(parsed.GetValue(Queue));
        return new InterceptOptions
        {
            Hooks = ReadHooks(parsed.GetRequiredValue(Hook)),
            Filter = expression.Length == 0 ? null : PacketFilter.Compile(expression, LinkType.Raw),
            QueueNumber = first,
            QueueCount = count,
            OnFailure = parsed.GetValue(OnFailure) switch
            {
                null => null,
                "open" => FailurePolicy.Open,
                "closed" => FailurePolicy.Closed,
                var other => throw new UsageException($"--on-failure is open or closed, not '{other}'."),
            },
            Count = parsed.GetValue(Count) is { } limit ? Positive(limit, "--count") : null,
            Duration = parsed.GetValue(Duration) is { } duration ? Quantity.Duration(duration) : null,
            QueueLength = parsed.GetValue(QueueLength) is { } length ? (int)Positive(length, "--queue-length") : new InterceptOptions().QueueLength,
            Impairments = impairments,
            Replacements = EditArguments.ReadReplacements(parsed),
            Settings = EditArguments.ReadSettings(parsed),
            Reset = parsed.GetValue(Reset),
            Mark = parsed.GetValue(Mark) is { } mark ? ReadMark(mark) : null,
            Schedule = parsed.GetValue(Schedule) is { } path ? ReadSchedule(parsed, path, impairments, context) : null,
        };
    }

    private static ImpairmentSchedule ReadSchedule(ParseResult parsed, string path, ImpairmentOptions impairments, CommandContext context)
    {
        if (!impairments.IsNone || parsed.GetValue(Reset))
        {
            throw new UsageException("--schedule says all that is done to packets: it goes with no other impairment.");
        }

        InputFile.Check(path);
        return ImpairmentSchedule.Read(path, context.Signals.Token);
    }

    private static FirewallHook[] ReadHooks(string text) =>
        text.Equals("both", StringComparison.OrdinalIgnoreCase) ? [FirewallHook.Input, FirewallHook.Output]
        : FirewallHooks.TryParse(text, out FirewallHook hook) ? [hook]
        : throw new UsageException($"--hook is input, output, forward, prerouting, postrouting or both, not '{text}'.");

    private static (ushort? First, int Count) ReadQueues(string? text)
    {
        if (text is null)
        {
            return (null, 1);
        }

        string[] ends = text.Split('-');
        if (ends.Length > 2 || !ushort.TryParse(ends[0], NumberStyles.None, null, out ushort first) || !ushort.TryParse(ends[^1], NumberStyles.None, null, out ushort last))
        {
            throw new UsageException($"--queue is a number from 0 to 65535, or two as 5-8, not '{text}'.");
        }

        return last >= first && last - first < InterceptOptions.MaxQueues
            ? (first, last - first + 1)
            : throw new UsageException($"--queue {text}: the second number is not below the first, and there are {InterceptOptions.MaxQueues} queues at most.");
    }

    private static uint ReadMark(string text)
    {
        bool isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return uint.TryParse(isHex ? text.AsSpan(2) : text, isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out uint mark)
            ? mark
            : throw new UsageException($"--mark is a number of 32 bits, as 7 or 0x10, not '{text}'.");
    }

    private static long Positive(long value, string option) =>
        value > 0 ? value : throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{option} is at least 1, not {value}."));
}
