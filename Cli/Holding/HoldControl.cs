using Interceptor.Capture.Intercept;
using Interceptor.Cli.Output;
using Interceptor.Interop;

namespace Interceptor.Cli.Holding;

/// <summary>
/// <c>intercept --control</c>: reads commands from standard input, and writes answers and events. At the end of the input, and when nobody reads the output any more, the
/// interception ends: a program that died holds nothing.
/// <para>Threads: two of its own, one that reads and one that writes.</para>
/// </summary>
internal sealed class HoldControl : IDisposable
{
    private readonly HoldQueue _queue;
    private readonly HoldLines _lines;
    private readonly HoldJson _events;
    private readonly HoldController _controller;
    private readonly TextReader _input;
    private readonly Action _stop;

    /// <param name="queue">What is worked on.</param>
    /// <param name="watch">Knows when packets will be sent again.</param>
    /// <param name="output">Where answers and events go.</param>
    /// <param name="input">Where commands come from.</param>
    /// <param name="stop">Ends the interception.</param>
    internal HoldControl(HoldQueue queue, HoldWatch watch, CommandOutput output, TextReader input, Action stop)
    {
        _queue = queue;
        _input = input;
        _stop = stop;
        _lines = new HoldLines(output, stop);
        _events = new HoldJson(watch, Clock.MonotonicNanoseconds);
        _controller = new HoldController(queue, new HoldJson(watch, Clock.MonotonicNanoseconds));
        queue.Happened += Tell;
    }

    /// <summary>Begins to read. The rules are in place: a line says so, so that a program knows when to go on.</summary>
    internal void Start(InterceptSession session)
    {
        _lines.WriteEvent(HoldJson.Line("ready", json => json.WriteNumber("queue", session.QueueNumber)));
        new Thread(Read) { IsBackground = true, Name = "hold control" }.Start();
    }

    /// <summary>Waits until all is written.</summary>
    public void Dispose()
    {
        _queue.Happened -= Tell;
        _lines.Dispose();
    }

    private void Read()
    {
        try
        {
            for (long number = 1; !_controller.HasQuit && _input.ReadLine() is { } line; number++)
            {
                if (line.Length > 0)
                {
                    _lines.WriteAnswer(_controller.Answer(line, number));
                }
            }
        }
        catch (Exception exception) when (exception is IOException or LinuxException)
        {
            // As its end.
        }

        _stop();
    }

    // On the queue's threads, one at a time.
    private void Tell(HoldEvent happened)
    {
        foreach (string line in _events.Event(happened, _queue.Limits))
        {
            _lines.WriteEvent(line);
        }
    }
}
