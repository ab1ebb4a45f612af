using System.Text.Json;
using Interceptor.Testing;

namespace Interceptor.Tests.Cli;

/// <summary>The tool with standard streams that are closed, full or a terminal, as shells and service managers hand them out.</summary>
public sealed class StandardStreamTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("interceptor-streams-").FullName;

    private static string OwnCapture => Path.Combine(ProjectPaths.OwnCaptures, "pcap-microseconds.pcap");

    [Theory]
    [InlineData("read", "2>&-")]
    [InlineData("read", "2>/dev/full")]
    [InlineData("frobnicate", "2>&-")]
    [InlineData("frobnicate", "2>/dev/full")]
    public void Without_standard_error_a_failure_still_has_its_exit_code(string command, string redirection)
    {
        ChildResult result = Shell($"\"$@\" {redirection}", command, "/nonexistent");
        Assert.Equal((command == "read" ? 4 : 2, ""), (result.ExitCode, result.Output));
    }

    [Theory]
    [InlineData("info")]
    [InlineData("read")]
    [InlineData("tcp")]
    public void Without_standard_output_a_command_fails_and_writes_into_no_other_file(string command)
    {
        ChildResult result = Shell("\"$@\" >&-", command, OwnCapture);
        Assert.Equal((1, "interceptor: write on standard output: Bad file descriptor (errno 9).\n"), (result.ExitCode, result.Error));
        Assert.Equal(1, Shell("\"$@\" <&- >&- 2>&-", command, OwnCapture).ExitCode);
    }

    [Theory]
    [InlineData("info")]
    [InlineData("read")]
    [InlineData("tcp")]
    public void Without_standard_input_a_dash_is_an_unreadable_file(string command)
    {
        ChildResult result = Shell("\"$@\" <&-", command, "-");
        Assert.Equal((4, "interceptor: standard input: can't be read: the process was started without one.\n"), (result.ExitCode, result.Error));
    }

    [Theory]
    [InlineData("info", "--json")]
    [InlineData("read", "-x")]
    [InlineData("tcp", "--json")]
    [InlineData("read", "--help")]
    public void A_full_disk_behind_standard_output_is_a_failure(string command, string option)
    {
        ChildResult result = Shell("\"$@\" >/dev/full", command, OwnCapture, option);
        Assert.Equal((1, "interceptor: write on standard output: No space left on device (errno 28).\n"), (result.ExitCode, result.Error));
    }

    [Fact]
    public void A_capture_is_not_typed()
    {
        ChildResult result = Terminal(80, "read -");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("- is standard input, which is the terminal here", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_capture_is_not_written_to_the_terminal()
    {
        ChildResult result = Terminal(80, $"read '{OwnCapture}' -w -");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("would write the bytes of the capture to the terminal", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100, "[..............................]   ")]
    [InlineData(40, "%  ")]
    public void Long_work_shows_how_far_it_is_and_removes_that_at_the_end(int columns, string bar)
    {
        ChildResult result = Terminal(columns, $"info '{LongCapture()}'", "timeout --foreground -s INT 3");
        Assert.Contains(bar, result.Output, StringComparison.Ordinal);
        string[] lines = result.Output[..result.Output.IndexOf("File: ", StringComparison.Ordinal)].Split('\r', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("\x1b[K", lines[^1]);
        Assert.All(lines[..^1], line => Assert.InRange(line.Length, 20, columns - 1 + "\x1b[K".Length));
        Assert.Contains(" packets\x1b[K", lines[0], StringComparison.Ordinal);
        Assert.Contains("interrupted: only its first", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_terminal_that_rewrites_no_line_gets_no_progress() =>
        Assert.StartsWith("File: ", Terminal(80, $"info '{LongCapture()}'", "TERM=dumb timeout --foreground -s INT 2").Output, StringComparison.Ordinal);

    [Theory]
    [InlineData("--json", "read", "/nonexistent")]
    [InlineData("--json", "tcp", "/nonexistent")]
    [InlineData("--json", "info", "/nonexistent")]
    [InlineData("--json", "replay", "/nonexistent", "--dry-run")]
    [InlineData("--json", "capture", "-i", "nosuch0")]
    public void Json_ends_with_a_summary_also_where_nothing_was_done(params string[] arguments)
    {
        CliResult result = CliProcess.Run(arguments);
        Assert.NotEqual(0, result.ExitCode);
        using JsonDocument last = JsonDocument.Parse(result.Lines[^1]);
        Assert.Equal("summary", last.RootElement.GetProperty("type").GetString());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Runs a shell script whose "$@" is the tool with these arguments.</summary>
    private static ChildResult Shell(string script, params string[] arguments)
    {
        System.Diagnostics.ProcessStartInfo tool = CliProcess.StartInfo(arguments);
        return ChildProcess.Run(null, Deadline, "sh", ["-c", script, "sh", tool.FileName, .. tool.ArgumentList]);
    }

    /// <summary>Runs the tool in a terminal of so many columns, with all three streams; what the terminal got is the output.</summary>
    private static ChildResult Terminal(int columns, string arguments, string prefix = "")
    {
        System.Diagnostics.ProcessStartInfo tool = CliProcess.StartInfo();
        string command = $"stty cols {columns}; TERM=xterm; export TERM; {prefix} '{tool.FileName}' '{tool.ArgumentList[0]}' {arguments}";
        return ChildProcess.Run(null, Deadline, "script", "--quiet", "--return", "--command", command, "/dev/null");
    }

    /// <summary>A valid pcap of very many empty packets: zeros are records without a byte, and a sparse file of them takes no room.</summary>
    private string LongCapture()
    {
        string path = Path.Combine(_folder, "long.pcap");
        using FileStream file = File.Create(path);
        file.Write(File.ReadAllBytes(OwnCapture).AsSpan(..24));
        file.SetLength(24 + (64L * 1024 * 1024 * 1024));
        return path;
    }
}
