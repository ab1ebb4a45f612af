using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text;
using Interceptor.Interop;

namespace Interceptor.Cli.Live;

/// <summary>
/// A page that is drawn again and again over a whole terminal, and the keys that work on it. What stood on the terminal comes back when it is disposed.
/// <para>Threads: one of its own draws, another waits for keys; both are background threads, and the screen is called by one at a time. Members may be called
/// on any.</para>
/// </summary>
internal sealed class LivePage : IDisposable
{
    // The other screen, no cursor, no wrapping at the last column; and all of it back, with the arrow keys as a shell has them.
    private const string Enter = "\x1b[?1049h\x1b[?25l\x1b[?7l";
    private const string Leave = "\x1b[?7h\x1b[?25h\x1b[?1049l\x1b[?1l\x1b>";

    private readonly ILiveScreen _screen;
    private readonly TimeSpan _interval;
    private readonly Action _quit;
    private readonly Stream _terminal = new StandardOutputStream();
    private readonly bool _hasColors = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
    private readonly Lock _screenLock = new();
    private readonly Lock _terminalLock = new();
    private readonly AutoResetEvent _wake = new(initialState: false);
    private readonly List<PosixSignalRegistration> _signals = [];
    private readonly Thread _drawing;
    private bool _isShown;
    private volatile bool _isEnding;
    private Exception? _failure;

    /// <summary>Shows it.</summary>
    /// <param name="screen">What is shown.</param>
    /// <param name="interval">The time from one refresh to the next.</param>
    /// <param name="quit">Called when the user wants to leave, or nothing can be shown any more; the owner then disposes the page.</param>
    internal LivePage(ILiveScreen screen, TimeSpan interval, Action quit)
    {
        _screen = screen;
        _interval = interval;
        _quit = quit;
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
#pragma warning disable CA1416 // Linux only.
        _signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => _wake.Set()));
        _signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGTSTP, _ => Show(false)));
        _signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGCONT, _ => _wake.Set()));
#pragma warning restore CA1416
        _drawing = new Thread(DrawUntilEnd) { IsBackground = true, Name = "live page" };
        _drawing.Start();
        new Thread(ReadKeys) { IsBackground = true, Name = "live page keys" }.Start();
    }

    /// <summary>True where there is a terminal to draw on and to read keys from.</summary>
    internal static bool IsPossible =>
        !Console.IsOutputRedirected && !Console.IsInputRedirected && Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } and not "dumb";

    /// <summary>Throws what ended the drawing, if it did not end as it should.</summary>
    internal void ThrowFailure()
    {
        if (_failure is { } failure)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>Brings back what stood on the terminal.</summary>
    public void Dispose()
    {
        if (_isEnding)
        {
            return;
        }

        _isEnding = true;
        _wake.Set();
        _drawing.Join();
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        _signals.ForEach(signal => signal.Dispose());
        Show(false);
    }

    private void OnProcessExit(object? sender, EventArgs e) => Show(false);

    private void DrawUntilEnd()
    {
        try
        {
            long interval = (long)(_interval.TotalSeconds * Stopwatch.Frequency);
            long next = Stopwatch.GetTimestamp();
            while (!_isEnding)
            {
                long now = Stopwatch.GetTimestamp();
                if (now >= next)
                {
                    next = now + interval;
                    lock (_screenLock)
                    {
                        _screen.Refresh((long)(now * (1e9 / Stopwatch.Frequency)));
                    }
                }

                Draw();
                double wait = Math.Max(0, next - Stopwatch.GetTimestamp()) * 1000.0 / Stopwatch.Frequency;
                _wake.WaitOne((int)Math.Ceiling(wait));
            }
        }
#pragma warning disable CA1031 // The top of a thread: the owner gets it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Fail(exception);
        }
    }

    private void ReadKeys()
    {
        try
        {
            while (!_isEnding)
            {
                ConsoleKeyInfo key = Console.ReadKey(intercept: true);
                if (_isEnding)
                {
                    return;
                }

                LiveKeyEffect effect;
                lock (_screenLock)
                {
                    effect = _screen.Press(key);
                }

                if (effect == LiveKeyEffect.Redraw)
                {
                    _wake.Set();
                }
                else if (effect == LiveKeyEffect.Quit)
                {
                    _quit();
                    return;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            // The terminal is gone: there are no keys any more, and SIGHUP ends the command.
        }
#pragma warning disable CA1031 // The top of a thread: the owner gets it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Fail(exception);
        }
    }

    private void Fail(Exception exception)
    {
        if (!_isEnding)
        {
            _failure = exception;
            Show(false);
            _quit();
        }
    }

    private void Draw()
    {
        int width = Math.Max(1, Console.WindowWidth);
        int height = Math.Max(1, Console.WindowHeight);
        LiveFrame frame;
        lock (_screenLock)
        {
            frame = _screen.Frame(width, height);
        }

        // Each line is erased before it is written: behind it, the cursor may stand on its last character. As one update, where the terminal can.
        var text = new StringBuilder("\x1b[?2026h\x1b[H");
        IReadOnlyList<string> lines = LiveFrameText.Lines(frame, width, height, _hasColors);
        for (int i = 0; i < lines.Count; i++)
        {
            text.Append(i == 0 ? "\x1b[2K" : "\r\n\x1b[2K").Append(lines[i]);
        }

        lock (_terminalLock)
        {
            if (!_isEnding)
            {
                Show(true);
                Write(text.Append("\x1b[?2026l").ToString());
            }
        }
    }

    private void Show(bool shown)
    {
        lock (_terminalLock)
        {
            if (_isShown != shown)
            {
                _isShown = shown;
                Write(shown ? Enter : Leave);
            }
        }
    }

    private void Write(string text)
    {
        try
        {
            _terminal.Write(Encoding.UTF8.GetBytes(text));
        }
        catch (Exception exception) when (exception is IOException or LinuxException)
        {
            // The terminal is gone, and SIGHUP ends the command.
        }
    }
}
