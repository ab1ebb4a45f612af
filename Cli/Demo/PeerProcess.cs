using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Interceptor.Cli.Demo.Peers;
using Interceptor.Interop;

namespace Interceptor.Cli.Demo;

/// <summary>
/// A child process of the demo inside a namespace: its lines as they come, its failure as an exception here. Disposing kills it.
/// Threads: one at a time; two of its own read its output.
/// </summary>
internal sealed class PeerProcess : IDisposable
{
    private readonly Process _process;
    private readonly BlockingCollection<string> _lines = [];
    private readonly StringBuilder _errors = new();
    private readonly Thread _reader;

    private PeerProcess(string name, Process process)
    {
        Name = name;
        _process = process;
        process.ErrorDataReceived += (_, line) =>
        {
            lock (_errors)
            {
                _errors.AppendLine(line.Data);
            }
        };
        process.BeginErrorReadLine();
        _reader = new Thread(ReadLines) { IsBackground = true, Name = $"output of {name}" };
        _reader.Start();
    }

    /// <summary>What it is called in messages.</summary>
    internal string Name { get; }

    internal int Pid => _process.Id;

    internal static PeerProcess Start(NetworkNamespace network, string name, IEnumerable<string> arguments)
    {
        string[] self = SelfProgram.Command();
        var start = new ProcessStartInfo(self[0], [.. self[1..], .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        Process process = network.Run(() => Process.Start(start)) ?? throw new DemoException($"{name} did not start.");
        return new PeerProcess(name, process);
    }

    /// <summary>Waits for a line that begins with <paramref name="word"/> and meets the condition; other lines are passed over.</summary>
    /// <exception cref="DemoException">The process failed or ended, or no such line came by the deadline.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    internal string Await(string word, TimeSpan deadline, CancellationToken stop, Func<string, bool>? condition = null)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            TimeSpan left = deadline - Stopwatch.GetElapsedTime(start);
            if (left <= TimeSpan.Zero || !_lines.TryTake(out string? line, (int)left.TotalMilliseconds + 1, stop))
            {
                throw new DemoException(_lines.IsCompleted
                    ? $"the {Name} ended before it was '{word}'.{Errors()}"
                    : $"the {Name} was not '{word}' within {deadline.TotalSeconds:0} s.{Errors()}");
            }

            if (line.StartsWith(PeerMessages.FailedWord, StringComparison.Ordinal))
            {
                throw new DemoException($"the {Name} failed: {line[(PeerMessages.FailedWord.Length + 1)..]}{Errors()}");
            }

            if (line.StartsWith(word, StringComparison.Ordinal) && (condition is null || condition(line)))
            {
                return line;
            }
        }
    }

    /// <summary>True if a line that nobody has waited for yet begins with <paramref name="word"/>.</summary>
    internal bool HasSaid(string word) => _lines.ToArray().Any(line => line.StartsWith(word, StringComparison.Ordinal));

    /// <summary>SIGKILL, and waits until the process is gone. Harmless after its end.</summary>
    internal void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        Kill();
        _reader.Join();
        _process.Dispose();
        _lines.Dispose();
    }

    private void ReadLines()
    {
        while (_process.StandardOutput.ReadLine() is { } line)
        {
            _lines.Add(line);
        }

        _lines.CompleteAdding();
    }

    private string Errors()
    {
        lock (_errors)
        {
            return _errors.Length == 0 ? "" : $" It wrote: {_errors.ToString().Trim()}";
        }
    }
}
