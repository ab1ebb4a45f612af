using System.CommandLine;
using System.Globalization;
using System.Runtime.ExceptionServices;
using Interceptor.Capture.Live;
using Interceptor.Cli.Input;
using Interceptor.Cli.Live;
using Interceptor.Cli.Output;
using Interceptor.Interop;

namespace Interceptor.Cli.Commands;

/// <summary><c>interceptor top -i IF</c>: what the connections of interfaces do now, and what holds them back.</summary>
internal static class TopCommand
{
    // A connection that is over stays for this long, so that a person sees how it ended.
    private static readonly TimeSpan Lingering = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LeastInterval = TimeSpan.FromMilliseconds(100);

    private static readonly Option<string[]> Interface = new("-i", "--interface")
    {
        Description = "Show the connections on an interface, until q, Ctrl-C or -c; any for all of them. May be repeated: a connection that is seen on two has a row for each.",
        HelpName = "IF",
        Required = true,
    };

    private static readonly Option<string?> Interval = new("--interval") { Description = "Time from one refresh to the next, as 500ms. Default: 1s.", HelpName = "D" };

    private static readonly Option<int?> Count = new("-c", "--count") { Description = "Stop after N refreshes.", HelpName = "N" };

    private static readonly Option<string?> Sort = new("--sort")
    {
        Description = $"Order by this column at first: {string.Join(", ", ConnectionColumns.OfTop(hasInterface: true).Select(ConnectionColumns.KeyOf))}. Default: bit/s.",
        HelpName = "COLUMN",
    };

    private static readonly Option<int?> Rows = new("--rows")
    {
        Description = "Without a terminal: print no more than the first N connections of each refresh. Default: all.",
        HelpName = "N",
    };

    private static readonly Option<string?> Netns = new("--netns") { Description = "Look in another network namespace: a name of ip netns, a path, or the number of a process in it.", HelpName = "NAME" };

    private static readonly Option<string?> MaxMemory = new("--max-memory")
    {
        Description = "Memory of the process at most, as 256MiB. When it is reached closed connections go first, then half-open ones, then idle ones. Default: 512MiB.",
        HelpName = "SIZE",
    };

    private static readonly Argument<string[]> Filter = FilterWords.CreateArgument();

    internal static Command Create()
    {
        var command = new Command("top", "Shows the TCP connections of interfaces by rate: retransmissions, round trips, what holds each back, whose it is.")
        {
            Interface, Interval, Count, Sort, Rows, Netns, MaxMemory, Filter,
        };
        command.SetBody(Run);
        return command;
    }

    private static int Run(ParseResult parsed, CommandContext context)
    {
        if (parsed.GetValue(Netns) is not { } name)
        {
            return Watch(parsed, context);
        }

        using NetworkNamespace network = NetworkNamespace.Open(name);
        return network.Run(() => Watch(parsed, context));
    }

    private static int Watch(ParseResult parsed, CommandContext context)
    {
        TopOptions options = Read(parsed);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.Signals.Token);
        using SocketOwnerWatch? watch = WatchOwners(context.Output);
        using SocketWindowReader? windows = watch is null ? null : SocketWindowReader.Open();
        using var session = new TopSession(options, watch is null || windows is null ? null : new WatchedOwners(watch, windows), stop);
        context.Output.Error.WriteLine($"listening on {Printable.Escape(string.Join(", ", options.Interfaces))}");
        session.Start();
        var printer = new TopPrinter(context.Output, options);
        bool isPage = !context.Output.Json && LivePage.IsPossible;
        if (isPage)
        {
            int refreshes = -1;
            var screen = new ConnectionScreen(options.Title, session.Feeds, options.CreateTable(), () =>
            {
                options.Budget.CollectIfNeeded();
                if (++refreshes >= options.Count)
                {
                    stop.Cancel();
                }
            });
            using var page = new LivePage(screen, options.Interval, stop.Cancel);
            stop.Token.WaitHandle.WaitOne();
            page.Dispose();
            page.ThrowFailure();
        }
        else
        {
            Print(printer, session.Feeds, options, stop.Token);
        }

        session.Stop();
        return Finish(session, printer, context.Output);
    }

    private static SocketOwnerWatch? WatchOwners(CommandOutput output)
    {
        SocketOwnerWatch watch;
        try
        {
            watch = SocketOwnerWatch.Start([]);
        }
        catch (LinuxException exception)
        {
            output.Warn($"no processes are shown: {Printable.Escape(exception.Message)}");
            return null;
        }

        if (watch.Table.RefusedProcesses is var refused and > 0)
        {
            output.Warn(string.Create(CultureInfo.InvariantCulture,
                $"{refused} {(refused == 1 ? "process" : "processes")} may not be looked at: of their sockets only the user is shown. It takes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH."));
        }

        return watch;
    }

    private static TopOptions Read(ParseResult parsed)
    {
        string[] interfaces = [.. parsed.GetRequiredValue(Interface).Distinct()];
        IReadOnlyList<LiveColumn<ConnectionRow>> columns = ConnectionColumns.OfTop(interfaces.Length > 1);
        string? sort = parsed.GetValue(Sort);
        int sortColumn = sort is null ? ConnectionColumns.DefaultOf(columns) : ConnectionColumns.IndexOf(columns, sort);
        if (sortColumn < 0)
        {
            throw new UsageException($"--sort: '{sort}' is none of {string.Join(", ", columns.Select(ConnectionColumns.KeyOf))}.");
        }

        if (interfaces.Any(name => name.Length == 0))
        {
            throw new UsageException("-i wants the name of an interface. See: interceptor interfaces.");
        }

        var options = new TopOptions
        {
            Interfaces = interfaces,
            Filter = FilterWords.Join(parsed.GetValue(Filter)),
            Interval = parsed.GetValue(Interval) is { } text ? Quantity.Duration(text) : TimeSpan.FromSeconds(1),
            Count = parsed.GetValue(Count) ?? int.MaxValue,
            Rows = parsed.GetValue(Rows) ?? int.MaxValue,
            Columns = columns,
            SortColumn = sortColumn,
            Lingering = Lingering,
            Budget = TopOptions.BudgetOf(MemoryBudget.Parse(parsed.GetValue(MaxMemory)), interfaces.Length),
        };
        return options.Interval < LeastInterval
            ? throw new UsageException($"--interval wants {LeastInterval.TotalMilliseconds} ms at least.")
            : options.Count <= 0 || options.Rows <= 0
                ? throw new UsageException("-c and --rows want a number above 0.")
                : options;
    }

    // The first picture is what the next one's rates count from.
    private static void Print(TopPrinter printer, IReadOnlyList<InterfaceFeed> feeds, TopOptions options, CancellationToken stop)
    {
        long first = Clock.MonotonicNanoseconds();
        ConnectionPicture.Take(feeds, first);
        for (int i = 1; i <= options.Count; i++)
        {
            long next = first + (long)(i * options.Interval.TotalNanoseconds);
            var left = TimeSpan.FromMicroseconds(Math.Max(0, next - Clock.MonotonicNanoseconds()) / 1e3);
            if (stop.WaitHandle.WaitOne(left))
            {
                break;
            }

            long now = Clock.MonotonicNanoseconds();
            printer.Write(ConnectionPicture.Take(feeds, now), now - first);
            options.Budget.CollectIfNeeded();
        }
    }

    private static int Finish(TopSession session, TopPrinter printer, CommandOutput output)
    {
        LiveCaptureStatistics[] statistics = [.. session.Statistics];
        long dropped = statistics.Sum(each => each.DroppedByKernel + each.DroppedByUser);
        Exception[] damages = [.. session.Damages];
        printer.Finish(dropped, session.Evicted, damages.FirstOrDefault()?.Message);
        output.Flush();
        if (dropped > 0)
        {
            output.Warn(string.Create(CultureInfo.InvariantCulture, $"{dropped} packets were dropped: rates are too low, and gaps look like losses."));
        }

        if (session.Evicted > 0)
        {
            output.Warn(string.Create(CultureInfo.InvariantCulture, $"--max-memory was reached: {session.Evicted} half-open and idle connections were given up before their end."));
        }

        if (damages.Length == statistics.Length)
        {
            ExceptionDispatchInfo.Throw(damages[0]);
        }

        Array.ForEach(damages, damage => output.Warn(Printable.Escape(damage.Message)));
        return ExitCode.Done;
    }
}
