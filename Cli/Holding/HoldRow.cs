using System.Globalization;
using Interceptor.Capture.Intercept;
using Interceptor.Cli.Live;

namespace Interceptor.Cli.Holding;

/// <summary>A held packet as a row of the page.</summary>
/// <param name="Item">The packet.</param>
/// <param name="Summary">In a line, safe for a terminal.</param>
/// <param name="Age">How long it is held, ns.</param>
/// <param name="ResentIn">How long until its sender sends it again, ns; null where that is not known.</param>
internal sealed record HoldRow(HeldItem Item, string Summary, long Age, long? ResentIn)
{
    /// <summary>The page's columns.</summary>
    internal static IReadOnlyList<LiveColumn<HoldRow>> Columns { get; } =
    [
        new("ID", 4, row => row.Item.Id.ToString(CultureInfo.InvariantCulture), (one, other) => one.Item.Id.CompareTo(other.Item.Id)) { IsRight = true, LargestWidth = 10 },
        new("AGE S", 6, row => (row.Age / 1e9).ToString("0.0", CultureInfo.InvariantCulture), (one, other) => one.Age.CompareTo(other.Age)) { IsRight = true, Rank = 3 },
        new("AGAIN MS", 8, row => AgainText(row.ResentIn), (one, other) => Nullable.Compare(one.ResentIn, other.ResentIn)) { IsRight = true, Rank = 2 },
        new("COPIES", 6, row => row.Item.Copies == 0 ? "" : row.Item.Copies.ToString(CultureInfo.InvariantCulture), (one, other) => one.Item.Copies.CompareTo(other.Item.Copies)) { IsRight = true, Rank = 4 },
        new("HOOK", 11, row => FirewallHooks.NameOf(row.Item.Hook), (one, other) => one.Item.Hook.CompareTo(other.Item.Hook)) { Rank = 5 },
        new("", 2, row => (row.Item.IsEdited ? "e" : "") + (row.Item.IsDoubled ? "2" : ""), (one, other) => one.Item.IsEdited.CompareTo(other.Item.IsEdited)) { Rank = 1 },
        new("PACKET", 20, row => row.Summary, (one, other) => string.CompareOrdinal(one.Summary, other.Summary)) { LargestWidth = 400, Tail = _ => 0 },
    ];

    /// <summary>As <c>143</c>; <c>now</c> where it is overdue, a dash where it is not known.</summary>
    internal static string AgainText(long? left) => left is not { } value ? "—" : value <= 0 ? "now" : (value / 1e6).ToString("0", CultureInfo.InvariantCulture);
}
