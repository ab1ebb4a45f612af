using System.ComponentModel;
using System.Diagnostics;
using System.Threading.Channels;
using Interceptor.Cli.Input;
using Interceptor.Cli.Output;

namespace Interceptor.Cli.Commands;

/// <summary>
/// Runs a program on each closed file, in the background, four at once at most; others wait for their turn. What they print goes to standard error, a failure is
/// warned of, and none keeps the capture waiting.
/// <para>Threads: <see cref="Start"/> and <see cref="Await"/> on one, <see cref="StopWaiting"/> on any; the programs are awaited on pool threads.</para>
/// </summary>
internal sealed class ClosedFileCommand
{
    private const int AtOnce = 4;

    /// <summary>How long the end of the capture waits for programs that still run.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Channel<string> _files = Channel.CreateUnbounded<string>();
    private readonly IReadOnlyList<string> _words;
    private readonly CommandOutput _output;
    private readonly Task[] _workers;
    private readonly TaskCompletionSource _hurry = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _left;

    /// <param name="words">The program and its arguments, to which the file's name is added.</param>
    /// <param name="output">Where failures are told.</param>
    /// <exception cref="UsageException">There is no such program.</exception>
    internal ClosedFileCommand(IReadOnlyList<string> words, CommandOutput output)
    {
        string program = CommandWords.Find(words[0])
            ?? throw new UsageException($"-z: there is no program '{words[0]}'{(words[0].Contains('/') ? "" : " in the directories of PATH")}; it is run without a shell.");
        _words = [program, .. words.Skip(1)];
        _output = output;
        _workers = [.. Enumerable.Range(0, AtOnce).Select(_ => Task.Run(RunEachAsync))];
    }

    /// <summary>Returns at once.</summary>
    internal void Start(string path)
    {
        Interlocked.Increment(ref _left);
        _files.Writer.TryWrite(path);
    }

    /// <summary>Waits for the programs that still run or wait, for half a minute; those that then still run are left to themselves. Nothing can be started any more.</summary>
    internal void Await()
    {
        _files.Writer.TryComplete();
        Task all = Task.WhenAll(_workers);
        if (Task.WaitAny([all, _hurry.Task], Patience) == 0)
        {
            return;
        }

        // Those that wait for their turn are not run.
        int waiting = 0;
        while (_files.Reader.TryRead(out _))
        {
            waiting++;
        }

        _output.Warn($"-z: {Volatile.Read(ref _left) - waiting} commands still run and are left to themselves, {waiting} were not run.");
    }

    /// <summary><see cref="Await"/> ends at once, now or when it comes.</summary>
    internal void StopWaiting() => _hurry.TrySetResult();

    private async Task RunEachAsync()
    {
        await foreach (string path in _files.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            await RunAsync(path).ConfigureAwait(false);
            Interlocked.Decrement(ref _left);
        }
    }

    private async Task RunAsync(string path)
    {
        string command = Printable.Escape(string.Join(' ', _words.Append(path)));
        try
        {
            if (!File.Exists(path))
            {
                _output.Warn($"-z: {command}: not run, the file was deleted before its turn came.");
            }
            else if (await RunToEndAsync(path).ConfigureAwait(false) is not 0 and var code)
            {
                _output.Warn($"-z: {command}: ended with exit code {code}.");
            }
        }
        catch (Exception exception) when (exception is Win32Exception or IOException or InvalidOperationException)
        {
            _output.Warn($"-z: {command}: {Printable.Escape(exception.Message)}");
        }
    }

    private async Task<int> RunToEndAsync(string path)
    {
        // Standard output is ours: names and NDJSON go there.
        var start = new ProcessStartInfo(_words[0], [.. _words.Skip(1), path]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("it did not start.");
        process.StandardInput.Close();
        while (await process.StandardOutput.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            _output.Tell(Printable.Escape(line));
        }

        await process.WaitForExitAsync().ConfigureAwait(false);
        return process.ExitCode;
    }
}
