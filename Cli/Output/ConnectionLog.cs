using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.Cli.Output;

/// <summary>Takes one report.</summary>
internal delegate void ReportHandler(in TcpConnectionReport report);

/// <summary>
/// Keeps what there is to tell of finished connections until all are told in the order of their ids: packed in memory up to a bound, beyond it in sorted runs in a
/// temporary file that has no name any more, merged at the end. So the memory does not grow with the number of connections.
/// <para>Threads: one at a time.</para>
/// </summary>
internal sealed class ConnectionLog : ITcpConnectionSink, IDisposable
{
    private readonly byte[] _buffer;
    private readonly List<PackedPlace> _places = [];
    private int _used;
    private SpillFile? _file;
    private PriorityQueue<ConnectionRun, int>? _runs;
    private ReportHandler? _handler;
    private CaptureTimestamp _end;

    /// <param name="bufferBytes">Bytes of packed reports kept in memory.</param>
    internal ConnectionLog(int bufferBytes) => _buffer = GC.AllocateUninitializedArray<byte>(bufferBytes);

    /// <summary>Reports that are kept in a file, bytes.</summary>
    internal long SpilledBytes => _file?.Length ?? 0;

    /// <inheritdoc/>
    public void Take(in TcpConnectionReport report)
    {
        if (_handler is not null)
        {
            TellBefore(report.Id);
            _handler(in report);
            return;
        }

        if (_buffer.Length - _used < PackedReport<TcpConnectionReport>.MaximumLength)
        {
            Spill();
        }

        int length = PackedReport<TcpConnectionReport>.Pack(in report, _buffer.AsSpan(_used));
        _places.Add(new PackedPlace(report.Id, _used, length));
        _used += length;
    }

    /// <summary>
    /// Tells all connections in the order of their ids: those kept here, and between them those that the tracker gives at its <see cref="TcpTracker.Finish"/>.
    /// </summary>
    /// <param name="tracker">Not yet finished.</param>
    /// <param name="end">The instant as of which all is told.</param>
    /// <param name="handler">Gets each.</param>
    internal void TellAll(TcpTracker tracker, CaptureTimestamp end, ReportHandler handler)
    {
        _handler = handler;
        _end = end;
        _runs = new PriorityQueue<ConnectionRun, int>();
        _places.Sort();
        Enqueue(new MemoryRun(_buffer, _places));
        foreach (ConnectionRun run in _file?.OpenRuns() ?? [])
        {
            Enqueue(run);
        }

        tracker.Finish(end);
        TellBefore(int.MaxValue);
    }

    public void Dispose() => _file?.Dispose();

    private void Spill()
    {
        _places.Sort();
        _file ??= new SpillFile();
        _file.WriteRun(_buffer, _places);
        _places.Clear();
        _used = 0;
    }

    private void TellBefore(int id)
    {
        while (_runs!.TryPeek(out ConnectionRun? run, out int next) && next < id)
        {
            _runs.Dequeue();
            TcpConnectionReport report = PackedReport<TcpConnectionReport>.Unpack(run.Packed).At(_end);
            Enqueue(run);
            _handler!(in report);
        }
    }

    private void Enqueue(ConnectionRun run)
    {
        if (run.MoveNext())
        {
            _runs!.Enqueue(run, run.Id);
        }
    }
}
