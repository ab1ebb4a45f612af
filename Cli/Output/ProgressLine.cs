using System.Globalization;
using Interceptor.Capture.Files;
using Interceptor.Interop;

namespace Interceptor.Cli.Output;

/// <summary>
/// Progress on standard error while work takes more than about a second, if that is a terminal that can rewrite a line: a bar where the total is known,
/// and counters. One line, cut to the terminal's width, written over itself and removed at the end.
/// <para>Threads: a timer's thread asks for the text and writes it; see <see cref="Clear"/>.</para>
/// </summary>
internal sealed class ProgressLine : IDisposable
{
    private const int LongestBar = 30;
    private const int ShortestBar = 5;
    private const int ColumnsWhereUnknown = 80;

    private static readonly TimeSpan FirstAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly Timer? _timer;
    private readonly TextWriter _error;
    private readonly Func<string> _text;
    private readonly Func<double?>? _fraction;
    private readonly Lock _lock = new();
    private bool _shown;
    private bool _ended;

    /// <param name="error">Standard error.</param>
    /// <param name="text">The counters now, safe for a terminal.</param>
    /// <param name="fraction">What part of the work is done, 0 to 1, or null where the total is not known.</param>
    internal ProgressLine(TextWriter error, Func<string> text, Func<double?>? fraction = null)
    {
        _error = error;
        _text = text;
        _fraction = fraction;
        if (StandardDescriptor.IsTerminal(StandardDescriptor.Error) && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb"))
        {
            _timer = new Timer(_ => Show(), null, FirstAfter, Interval);
        }
    }

    /// <summary>Progress of reading a capture: its position in the file as it lies on the disk, compressed or not.</summary>
    internal static ProgressLine OfReading(CommandOutput output, Func<ICaptureFileSource?> reader, Func<string> text) =>
        new(output.Error, text, () => reader() is { InputLength: > 0 and var length } current ? (double)current.InputPosition / length : null);

    /// <summary>The line as it stands in a terminal of so many columns; the last one stays free, where some terminals wrap.</summary>
    internal static string Render(double? fraction, string text, int columns)
    {
        int room = Math.Max(columns - 1, 1);
        string line = text;
        if (fraction is { } done)
        {
            done = Math.Clamp(done, 0, 1);
            string percent = string.Create(CultureInfo.InvariantCulture, $"{(int)(done * 100),3}%  ");
            int bar = Math.Min(LongestBar, room - percent.Length - text.Length - "[] ".Length);
            int full = (int)(bar * done);
            line = bar < ShortestBar ? percent + text : $"[{new string('#', full)}{new string('.', bar - full)}] {percent}{text}";
        }

        return line.Length <= room ? line : line[..room];
    }

    /// <summary>Removes the line until its next turn, so that another can stand there. Any thread.</summary>
    internal void Clear()
    {
        lock (_lock)
        {
            if (_shown)
            {
                _shown = false;
                _error.Write("\r\x1b[K");
                _error.Flush();
            }
        }
    }

    /// <summary>Removes the line.</summary>
    public void Dispose()
    {
        _timer?.Dispose();
        lock (_lock)
        {
            _ended = true;
            Clear();
        }
    }

    private void Show()
    {
        lock (_lock)
        {
            if (!_ended)
            {
                _shown = true;
                int columns = StandardDescriptor.Columns(StandardDescriptor.Error) ?? ColumnsWhereUnknown;
                _error.Write($"\r{Render(_fraction?.Invoke(), _text(), columns)}\x1b[K");
                _error.Flush();
            }
        }
    }
}
