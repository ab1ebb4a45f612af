using Interceptor.Cli.Input;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Cli.Output;

/// <summary>
/// The connections of intercepted packets, as <c>interceptor tcp</c> tells those of a capture: each packet as it came, whatever was then decided about it.
/// <para>Threads: one at a time.</para>
/// </summary>
internal sealed class InterceptedConnections : IDisposable
{
    private readonly ConnectionLog _log;
    private readonly TcpReading _reading;

    internal InterceptedConnections()
    {
        var budget = MemoryBudget.Parse(null);
        _log = new ConnectionLog(budget.LogBytes);
        var options = new TcpTrackerOptions { HashStreams = false, MaximumBytes = budget.TrackerBytes, NotesLoneSyns = false };
        _reading = new TcpReading(new TcpTracker(options, sink: _log), at: null, long.MaxValue, budget);
    }

    /// <summary>What is known up to the last packet.</summary>
    internal TcpTracker Tracker => _reading.Tracker;

    /// <summary>Takes the next packet; one that is not TCP is only counted.</summary>
    internal void Take(in CapturedPacket packet) => _reading.Take(in packet);

    /// <summary>Prints all connections as they are at the last packet. Nothing may be taken after it.</summary>
    internal void Print(CommandOutput output)
    {
        var printer = new ConnectionPrinter(output);
        _log.TellAll(Tracker, _reading.End, (in TcpConnectionReport connection) => printer.Print(in connection));
        printer.WarnOfGivenUp(Tracker.Statistics, "there were too many connections to remember them all");
    }

    public void Dispose() => _log.Dispose();
}
