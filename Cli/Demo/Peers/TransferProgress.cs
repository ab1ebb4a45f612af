using System.Diagnostics;

namespace Interceptor.Cli.Demo.Peers;

/// <summary>
/// How far one end of the connection is, in both directions. The sending thread waits here for the receiving one when it is too far ahead,
/// the receiving thread waits here for its rate. One thread each.
/// </summary>
internal sealed class TransferProgress
{
    private readonly TransferPlan _plan;
    private readonly long _startReceived;
    private readonly long _startTime = Stopwatch.GetTimestamp();
    private readonly Action<long, long>? _report;
    private readonly object _gate = new();
    private long _received;
    private long _sent;
    private long _nextReport;

    /// <param name="plan">What is transferred.</param>
    /// <param name="received">Bytes received before this process, 0 at a start.</param>
    /// <param name="sent">Bytes sent before this process, 0 at a start.</param>
    /// <param name="report">Gets (received, sent) each time that both have advanced a further 1/32 of the whole; on either thread, one at a time.</param>
    internal TransferProgress(TransferPlan plan, long received, long sent, Action<long, long>? report)
    {
        _plan = plan;
        _startReceived = received;
        _received = received;
        _sent = sent;
        _report = report;
        _nextReport = Math.Min(received, sent) + ReportStep;
    }

    private long ReportStep => Math.Max(_plan.Bytes / 32, 1);

    /// <summary>The sending thread: waits until it may send on, having sent up to <paramref name="sent"/>.</summary>
    internal void SentTo(long sent)
    {
        lock (_gate)
        {
            _sent = sent;
            ReportLocked();
            while (_sent > _received + _plan.Lead && _received < _plan.Bytes)
            {
                Monitor.Wait(_gate);
            }
        }
    }

    /// <summary>The receiving thread: tells that it has consumed up to <paramref name="received"/>, and waits for its rate.</summary>
    internal void ReceivedTo(long received)
    {
        lock (_gate)
        {
            _received = received;
            ReportLocked();
            Monitor.PulseAll(_gate);
        }

        // The speed of the demo's application: it would read as slowly for work of its own.
        double due = (received - _startReceived) / (double)_plan.Rate;
        double ahead = due - Stopwatch.GetElapsedTime(_startTime).TotalSeconds;
        if (ahead > 0.001)
        {
            Thread.Sleep(TimeSpan.FromSeconds(ahead));
        }
    }

    private void ReportLocked()
    {
        if (Math.Min(_received, _sent) >= _nextReport)
        {
            _nextReport = Math.Min(_received, _sent) + ReportStep;
            _report?.Invoke(_received, _sent);
        }
    }
}
