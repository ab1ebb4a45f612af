using System.Text;
using Interceptor.Cli.Output;
using Interceptor.Interop;

namespace Interceptor.Cli.Holding;

/// <summary>
/// Lines for standard output from several threads, written by one of its own: whoever does not read them must not stop packets. Beyond
/// <see cref="MaximumEvents"/> waiting lines events are left out, and the next one tells how many; answers are never.
/// <para>Threads: any; disposed by one, after which what is written is discarded.</para>
/// </summary>
internal sealed class HoldLines : IDisposable
{
    /// <summary>Lines that wait at most, before events are left out.</summary>
    internal const int MaximumEvents = 65536;

    private readonly Lock _gate = new();
    private readonly Queue<string> _waiting = new();
    private readonly SemaphoreSlim _hasLines = new(0);
    private readonly CommandOutput _output;
    private readonly Action _failed;
    private readonly Thread _thread;
    private long _leftOut;
    private bool _isClosed;

    /// <param name="output">Where to; nobody else writes there till this is disposed.</param>
    /// <param name="failed">Called on the writing thread when nobody reads any more.</param>
    internal HoldLines(CommandOutput output, Action failed)
    {
        _output = output;
        _failed = failed;
        _thread = new Thread(WriteAll) { IsBackground = true, Name = "hold lines" };
        _thread.Start();
    }

    internal void WriteAnswer(string line) => Add(line, isEvent: false);

    internal void WriteEvent(string line) => Add(line, isEvent: true);

    /// <summary>Waits until all is written.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
            _hasLines.Release();
        }

        _thread.Join();
        _hasLines.Dispose();
    }

    private void Add(string line, bool isEvent)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return;
            }

            if (isEvent && _waiting.Count >= MaximumEvents)
            {
                _leftOut++;
                return;
            }

            if (_leftOut > 0)
            {
                long leftOut = _leftOut;
                _waiting.Enqueue(HoldJson.Line("left_out", json => json.WriteNumber("events", leftOut)));
                _leftOut = 0;
            }

            // Under the lock: behind the end there is nothing to release any more.
            _waiting.Enqueue(line);
            _hasLines.Release();
        }
    }

    private void WriteAll()
    {
        try
        {
            while (true)
            {
                _hasLines.Wait();
                while (TryTake(out string line))
                {
                    _output.WriteJsonLine(Encoding.UTF8.GetBytes(line + "\n"));
                }

                lock (_gate)
                {
                    if (_isClosed && _waiting.Count == 0)
                    {
                        return;
                    }
                }
            }
        }
        catch (Exception exception) when (exception is IOException or LinuxException)
        {
            lock (_gate)
            {
                _isClosed = true;
            }

            _failed();
        }
    }

    private bool TryTake(out string line)
    {
        lock (_gate)
        {
            return _waiting.TryDequeue(out line!);
        }
    }
}
