using Interceptor.Capture.Live;
using Interceptor.Cli.Input;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Cli.Live;

/// <summary>
/// Gives the connections of one interface as rows. Takes their numbers under the reading's lock; the capture's own thread never waits for it.
/// <para>Threads: one at a time.</para>
/// </summary>
/// <param name="reading">Who feeds the tracker.</param>
/// <param name="capture">Where the packets come from.</param>
/// <param name="rates">Makes the rows.</param>
/// <param name="only">The id of the only connection to give; null for all.</param>
internal sealed class InterfaceFeed(TcpReading reading, LiveCapture capture, ConnectionRates rates, int? only = null)
{
    // Packets come to the tracker this late at most while it keeps up: the kernel gathers them, and they wait in a queue.
    private static readonly TimeSpan Lateness = 2 * new LiveCaptureOptions { Interface = "any" }.GatherTime;

    /// <summary>The picture of this instant.</summary>
    /// <param name="now">Monotonic, ns.</param>
    internal ConnectionPicture Take(long now)
    {
        List<ConnectionRow> rows;
        long packets;
        var clock = new CaptureTimestamp(Clock.RealtimeNanoseconds() - (long)Lateness.TotalNanoseconds);
        lock (reading.Gate)
        {
            rows = rates.Update(reading.Tracker.Connections, now, clock);
            packets = reading.Packets;
        }

        rows.RemoveAll(row => only is { } id && row.Id != id);
        LiveCaptureStatistics statistics = capture.Statistics;
        return new ConnectionPicture(rows, packets, statistics.DroppedByKernel + statistics.DroppedByUser);
    }
}
