using System.Globalization;
using Interceptor.Capture.Files;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Tests.Tcp;

/// <summary>The classes of segments of every shared capture, direction by direction, beside tshark's (good/oracle/streams.tsv).</summary>
internal sealed class AnalysisComparison
{
    /// <summary>tshark's flags that have a counter here.</summary>
    internal static readonly (string Flag, Func<TcpDirectionCounters, long> Ours)[] Flags =
    [
        ("retransmission", counters => counters.Retransmissions),
        ("fast_retransmission", counters => counters.FastRetransmissions),
        ("spurious_retransmission", counters => counters.SpuriousRetransmissions),
        ("out_of_order", counters => counters.OutOfOrder),
        ("duplicate_ack", counters => counters.DuplicateAcks),
        ("lost_segment", counters => counters.LostSegments),
        ("zero_window", counters => counters.ZeroWindows),
        ("zero_window_probe", counters => counters.ZeroWindowProbes),
        ("window_full", counters => counters.WindowFull),
        ("window_update", counters => counters.WindowUpdates),
        ("keep_alive", counters => counters.KeepAlives),
    ];

    /// <summary>One for each flag of a direction whose two counts differ.</summary>
    internal List<AnalysisDifference> Differences { get; } = [];

    /// <summary>Directions with at least one segment.</summary>
    internal int Directions { get; private set; }

    /// <summary>Directions whose counts are all equal.</summary>
    internal int Agreeing { get; private set; }

    /// <summary>Directions for which either side counts anything.</summary>
    internal int Flagged { get; private set; }

    internal static AnalysisComparison Run(string root)
    {
        var comparison = new AnalysisComparison();
        IEnumerable<IGrouping<string, Dictionary<string, string>>> files =
            OracleComparison.Rows(Path.Combine(root, "good", "oracle", "streams.tsv")).GroupBy(row => row["file"]);
        foreach (IGrouping<string, Dictionary<string, string>> file in files)
        {
            TcpTracker tracker = Track(Path.Combine(root, "good", file.Key));
            foreach (Dictionary<string, string> row in file)
            {
                TcpConnection connection = tracker.Connections[int.Parse(row["stream"], CultureInfo.InvariantCulture)];
                comparison.Compare(row, 'a', connection.First.Counters);
                comparison.Compare(row, 'b', connection.Second.Counters);
            }
        }

        return comparison;
    }

    /// <summary>Follows all connections of a capture, without hashes.</summary>
    internal static TcpTracker Track(string path)
    {
        var tracker = new TcpTracker(new TcpTrackerOptions { HashStreams = false });
        using CaptureFileReader reader = CaptureFile.OpenRead(path);
        while (reader.TryRead(out CapturedPacket packet))
        {
            PacketView view = packet.Parse();
            tracker.Process(in view, packet.Metadata.Timestamp, packet.Metadata.Number);
        }

        tracker.Finish();
        return tracker;
    }

    /// <summary>How many directions agree on one flag.</summary>
    internal int AgreeingOn(string flag) => Directions - Differences.Count(difference => difference.Flag == flag);

    private void Compare(Dictionary<string, string> row, char side, TcpDirectionCounters ours)
    {
        if (Number(row, side, "packets") == 0)
        {
            return;
        }

        Directions++;
        bool isFlagged = false;
        bool agrees = true;
        foreach ((string flag, Func<TcpDirectionCounters, long> count) in Flags)
        {
            long own = count(ours);
            long other = Number(row, side, flag);
            isFlagged |= own + other > 0;
            if (own != other)
            {
                agrees = false;
                Differences.Add(new AnalysisDifference(row["file"], row["stream"], side, flag, own, other));
            }
        }

        Agreeing += agrees ? 1 : 0;
        Flagged += isFlagged ? 1 : 0;
    }

    private static long Number(Dictionary<string, string> row, char side, string column) =>
        row[$"{side}_{column}"] is { Length: > 0 } text ? long.Parse(text, CultureInfo.InvariantCulture) : 0;
}
