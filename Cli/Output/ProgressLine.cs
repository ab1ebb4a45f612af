namespace Interceptor.Cli.Output;

/// <summary>
/// Counters on standard error while work takes more than about a second, if that is a terminal; one line, written over itself.
/// <para>Threads: a timer's thread asks for the text and writes it.</para>
/// </summary>
internal sealed class ProgressLine : IDisposable
{
    private static readonly TimeSpan FirstAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly Timer? _timer;
    private readonly TextWriter _error;
    private readonly Lock _lock = new();
    private bool _shown;
    private bool _ended;

    /// <param name="error">Standard error.</param>
    /// <param name="text">The counters now, safe for a terminal.</param>
    internal ProgressLine(TextWriter error, Func<string> text)
    {
        _error = error;
        if (!Console.IsErrorRedirected)
        {
            _timer = new Timer(_ => Show(text), null, FirstAfter, Interval);
        }
    }

    /// <summary>Removes the line.</summary>
    public void Dispose()
    {
        _timer?.Dispose();
        lock (_lock)
        {
            _ended = true;
            if (_shown)
            {
                _error.Write("\r\x1b[K");
                _error.Flush();
            }
        }
    }

    private void Show(Func<string> text)
    {
        lock (_lock)
        {
            if (!_ended)
            {
                _shown = true;
                _error.Write($"\r{text()}\x1b[K");
                _error.Flush();
            }
        }
    }
}
