using Interceptor.Capture.Intercept;
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
    // The loopback device has this index in each network namespace (LOOPBACK_IFINDEX, linux/net/flow.h).
    private const int Loopback = 1;

    private readonly bool _seesOutput;
    private readonly ConnectionLog _log;
    private readonly TcpReading _reading;

    /// <param name="hooks">Where packets are taken.</param>
    internal InterceptedConnections(IReadOnlyList<FirewallHook> hooks)
    {
        _seesOutput = hooks.Contains(FirewallHook.Output);
        var budget = MemoryBudget.Parse(null);
        _log = new ConnectionLog(budget.LogBytes);
        var options = new TcpTrackerOptions { HashStreams = false, MaximumBytes = budget.TrackerBytes, NotesLoneSyns = false };
        _reading = new TcpReading(new TcpTracker(options, sink: _log), at: null, long.MaxValue, budget);
    }

    /// <summary>What is known up to the last packet.</summary>
    internal TcpTracker Tracker => _reading.Tracker;

    /// <summary>Takes the next packet; one that is not TCP is only counted, and one that was taken at output already, on its way over loopback, is passed over.</summary>
    internal void Take(in InterceptedFate fate)
    {
        if (!(_seesOutput && fate.Hook == FirewallHook.Input && fate.InInterface == Loopback))
        {
            CapturedPacket packet = fate.Packet;
            _reading.Take(in packet);
        }
    }

    /// <summary>Prints all connections as they are at the last packet. Nothing may be taken after it.</summary>
    internal void Print(CommandOutput output)
    {
        var printer = new ConnectionPrinter(output);
        _log.TellAll(Tracker, _reading.End, (in TcpConnectionReport connection) => printer.Print(in connection));
        printer.WarnOfGivenUp(Tracker.Statistics, "there were too many connections to remember them all");
    }

    public void Dispose() => _log.Dispose();
}
