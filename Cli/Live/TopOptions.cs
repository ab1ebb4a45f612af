using Interceptor.Cli.Input;
using Interceptor.Cli.Output;

namespace Interceptor.Cli.Live;

/// <summary>What <c>interceptor top</c> shows and how.</summary>
internal sealed record TopOptions
{
    /// <summary>The interfaces, each once.</summary>
    internal required IReadOnlyList<string> Interfaces { get; init; }

    /// <summary>The kernel's filter; empty for none.</summary>
    internal required string Filter { get; init; }

    /// <summary>From one refresh to the next.</summary>
    internal required TimeSpan Interval { get; init; }

    /// <summary>Refreshes at most.</summary>
    internal required int Count { get; init; }

    /// <summary>Connections printed at each, at most.</summary>
    internal required int Rows { get; init; }

    /// <summary>The columns.</summary>
    internal required IReadOnlyList<LiveColumn<ConnectionRow>> Columns { get; init; }

    /// <summary>Index of the one that orders the rows at first.</summary>
    internal required int SortColumn { get; init; }

    /// <summary>How long a connection that is over stays.</summary>
    internal required TimeSpan Lingering { get; init; }

    /// <summary>What each interface's tracker may take.</summary>
    internal required MemoryBudget Budget { get; init; }

    /// <summary>What stands first in the first line.</summary>
    internal string Title => $"top -i {string.Join(',', Interfaces.Select(Printable.Escape))}";

    /// <summary>
    /// The part of a process's budget that is each tracker's. A connection takes 1,400 bytes there at least, and its row, its history and its activity twice as much;
    /// the rows of each refresh are garbage at the next one, and need room till the collector comes.
    /// </summary>
    internal static MemoryBudget BudgetOf(MemoryBudget budget, int interfaces) => budget with
    {
        TrackerBytes = (budget.TrackerBytes + budget.LogBytes) / 4 / interfaces,
        HeapBytes = budget.HeapBytes * 3 / 4,
    };

    /// <summary>An empty table in the order that was asked for.</summary>
    internal LiveTable<ConnectionRow> CreateTable() => new(Columns, SortColumn, row => row.IsOver);
}
