using Interceptor.Capture.Live;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;
using Interceptor.Tcp;
using Interceptor.Tcp.Activity;

namespace Interceptor.Cli.Live;

/// <summary>
/// The captures of <c>interceptor top</c>. Each interface has a tracker of its own: a packet that is forwarded is seen on two of them, and would look like a
/// retransmission to one that sees both.
/// <para>Threads: one for each interface feeds its tracker, beside the capture's own. Belongs to the network namespace of the thread that makes it.</para>
/// </summary>
internal sealed class TopSession : IDisposable
{
    private readonly List<LivePacketSource> _sources = [];
    private readonly List<TcpReading> _readings = [];
    private readonly List<Thread> _threads = [];
    private readonly CancellationTokenSource _stop;
    private int _running;

    /// <summary>Opens the interfaces.</summary>
    /// <param name="options">Which, and how.</param>
    /// <param name="owners">Whose the sockets are; null where nobody knows.</param>
    /// <param name="stop">Ends the captures; cancelled when the last one has ended.</param>
    internal TopSession(TopOptions options, IConnectionOwners? owners, CancellationTokenSource stop)
    {
        _stop = stop;
        var feeds = new List<InterfaceFeed>();
        try
        {
            foreach (string name in options.Interfaces)
            {
                var capture = new LiveCaptureOptions { Interface = name, Filter = options.Filter };
                var source = new LivePacketSource(LiveCapture.Open(capture, stop.Token));
                _sources.Add(source);
                var activities = new TcpActivityObserver();
                var tracker = new TcpTracker(
                    new TcpTrackerOptions { HashStreams = false, MaximumBytes = options.Budget.TrackerBytes }, observer: activities, sink: activities);
                var reading = new TcpReading(tracker, at: null, limit: long.MaxValue, options.Budget);
                _readings.Add(reading);
                string shown = options.Interfaces.Count > 1 ? Printable.Escape(name) : "";
                var rates = new ConnectionRates(activities, owners, shown, (long)options.Lingering.TotalNanoseconds);
                feeds.Add(new InterfaceFeed(reading, source.Capture, rates));
            }
        }
        catch
        {
            Dispose();
            throw;
        }

        Feeds = feeds;
    }

    /// <summary>One for each interface.</summary>
    internal IReadOnlyList<InterfaceFeed> Feeds { get; }

    /// <summary>The counts of each capture.</summary>
    internal IEnumerable<LiveCaptureStatistics> Statistics => _sources.Select(source => source.Capture.Statistics);

    /// <summary>What ended a capture before its time; to be asked when they have ended.</summary>
    internal IEnumerable<Exception> Damages => _readings.Select(reading => reading.Damage).OfType<Exception>();

    /// <summary>Connections that were given up for memory's sake.</summary>
    internal long Evicted => _readings.Sum(reading => (long)reading.Tracker.Statistics.Evicted);

    /// <summary>Begins to read.</summary>
    internal void Start()
    {
        _running = _sources.Count;
        for (int i = 0; i < _sources.Count; i++)
        {
            LivePacketSource source = _sources[i];
            TcpReading reading = _readings[i];
            var thread = new Thread(() => Read(source, reading)) { IsBackground = true, Name = $"top {source.Capture.Name}" };
            _threads.Add(thread);
            thread.Start();
        }
    }

    /// <summary>Ends the captures and waits until what they had was read.</summary>
    internal void Stop()
    {
        _sources.ForEach(source => source.Capture.Stop());
        _threads.ForEach(thread => thread.Join());
        _threads.Clear();
    }

    public void Dispose()
    {
        Stop();
        _sources.ForEach(source => source.Dispose());
    }

    private void Read(LivePacketSource source, TcpReading reading)
    {
        try
        {
            reading.ReadAll(source, filter: null, isWatched: true);
        }
        finally
        {
            if (Interlocked.Decrement(ref _running) == 0)
            {
                _stop.Cancel();
            }
        }
    }
}
