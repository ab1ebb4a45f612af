using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;

namespace Interceptor.Replay;

/// <summary>
/// The guarded side: a second process that has duplicates of everything a checkpoint or a move works on, and puts things right if this one is killed within it
/// (<see cref="SessionGuardian"/>). Where it can't be had, <see cref="Problem"/> says why, and every method does nothing. One thread.
/// </summary>
internal sealed class SessionGuard : IDisposable
{
    internal const string Done = "ok";
    internal const string AllClear = ".";
    internal const string ResumedWord = "resumed";
    internal const string EntrustWord = "entrust ";
    private readonly Process? _process;
    private bool _isDismissed;
    private bool _isDisposed;

    private SessionGuard(Process? process, string? problem)
    {
        _process = process;
        Problem = problem;
    }

    /// <summary>Why there is none; null while there is.</summary>
    internal string? Problem { get; private set; }

    private bool IsThere => Problem is null && !_isDismissed;

    /// <summary>Starts it and does not wait; it takes some tens of milliseconds until it listens.</summary>
    /// <param name="command">The program that runs <see cref="SessionGuardian.Run"/>, with its arguments.</param>
    internal static SessionGuard Start(IReadOnlyList<string> command)
    {
        // Its standard output is for its answers; whoever reads what this process prints shall not wait for the guard besides.
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardInput = true, RedirectStandardOutput = true };
        try
        {
            return new SessionGuard(Process.Start(start), null);
        }
        catch (Exception exception) when (exception is Win32Exception or IOException)
        {
            return new SessionGuard(null, exception.Message);
        }
    }

    /// <summary>Waits until it has taken its duplicates: from here on it acts when this process ends without <see cref="Dismiss"/>.</summary>
    internal void Arm(SessionGuardOrder order) => Converse(JsonSerializer.Serialize(order, SessionGuardJson.Default.SessionGuardOrder));

    /// <summary>Gives it a duplicate of the restored socket, which is to be closed silently unless it is delivered.</summary>
    internal void Entrust(int descriptor) => Converse($"{EntrustWord}{descriptor}");

    /// <summary>Tells it that the connections are with their owner again, so that it no longer keeps them from being closed.</summary>
    internal void Resumed() => Say(ResumedWord);

    /// <summary>Sends it away and waits until it has closed its duplicates.</summary>
    internal void Dismiss()
    {
        Converse(AllClear);
        _isDismissed = true;
    }

    /// <summary>One that was armed and not dismissed acts.</summary>
    public void Dispose()
    {
        if (_process is null || _isDisposed)
        {
            return;
        }

        _isDisposed = true;
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It is gone already.
        }

        _process.Dispose();
    }

    private void Converse(string line)
    {
        Say(line);
        if (IsThere && _process!.StandardOutput.ReadLine() is var answer && answer != Done)
        {
            Problem = answer ?? "it ended at once";
        }
    }

    private void Say(string line)
    {
        if (!IsThere)
        {
            return;
        }

        try
        {
            _process!.StandardInput.Write(line + "\n");
            _process.StandardInput.Flush();
        }
        catch (IOException)
        {
            Problem = "it has ended";
        }
    }
}
