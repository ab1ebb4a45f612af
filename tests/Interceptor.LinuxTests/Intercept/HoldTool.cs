using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Interceptor.Interop;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Intercept;

/// <summary><c>intercept --control</c> as a process of its own: commands and their answers, and what happened in between. Disposing ends it.</summary>
internal sealed class HoldTool : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly Process _process;
    private readonly List<JsonElement> _events = [];
    private int _tag;

    internal HoldTool(NetworkNamespace where, params string[] arguments)
    {
        _process = ChildProcess.Start(where, "dotnet", [CliProcess.AssemblyPath, "intercept", "--control", .. arguments]);
        AwaitEvent("ready");
    }

    /// <summary>What happened, as far as it was read.</summary>
    internal IReadOnlyList<JsonElement> Events => _events;

    /// <summary>Sends a command's keys, and gives the answer.</summary>
    internal JsonElement Tell(string keys)
    {
        string tag = (++_tag).ToString(CultureInfo.InvariantCulture);
        Write($"{{\"tag\":{tag},{keys}}}");
        return Await(line => line.GetProperty("type").GetString() == "answer" && line.TryGetProperty("tag", out JsonElement value) && value.GetRawText() == tag);
    }

    /// <summary>Sends a line as it is.</summary>
    internal void Write(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    /// <summary>The first thing of a kind that happened and is as wanted; waits for it.</summary>
    internal JsonElement AwaitEvent(string type, Predicate<JsonElement>? isWanted = null)
    {
        bool IsIt(JsonElement line) => line.GetProperty("type").GetString() == type && isWanted?.Invoke(line) != false;
        return _events.Any(IsIt) ? _events.First(IsIt) : Await(IsIt);
    }

    /// <summary>Ends the input, and gives the summary.</summary>
    internal JsonElement End()
    {
        _process.StandardInput.Close();
        JsonElement summary = AwaitEvent("summary");
        if (!_process.WaitForExit(Deadline))
        {
            throw new TimeoutException("intercept --control did not end with its input.");
        }

        return _process.ExitCode == 0 ? summary : throw new InvalidOperationException($"exit code {_process.ExitCode}: {_process.StandardError.ReadToEnd()}");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private JsonElement Await(Predicate<JsonElement> isIt)
    {
        while (true)
        {
            string line = _process.StandardOutput.ReadLineAsync().WaitAsync(Deadline).GetAwaiter().GetResult()
                ?? throw new InvalidOperationException($"It ended: {_process.StandardError.ReadToEnd()} {string.Join('\n', _events)}");
            JsonElement element = JsonDocument.Parse(line).RootElement;
            _events.Add(element);
            if (isIt(element))
            {
                return element;
            }
        }
    }
}
