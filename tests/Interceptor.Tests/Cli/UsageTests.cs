using Interceptor.Capture.Files;
using Interceptor.Testing;

namespace Interceptor.Tests.Cli;

/// <summary>What a person gets who asks for what can't be: the built tool, run as a process. Exit code, what is wrong, what to do.</summary>
public sealed class UsageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("interceptor-usage-").FullName;

    public static TheoryData<string, int, string, string[]> Mistakes => new()
    {
        { "An unknown command", 2, "interceptor --help", ["frobnicate"] },
        { "No command", 2, "checkpoint", [] },
        { "An unknown option", 2, "interceptor info --help", ["info", "--frobnicate"] },
        { "An unknown option among the words of a filter", 2, "--frobnicate", ["read", OwnCapture, "tcp", "--frobnicate"] },
        { "A missing argument", 2, "interceptor read --help", ["read"] },
        { "A filter with a syntax error", 2, "man pcap-filter", ["read", OwnCapture, "tcp prt 80"] },
        { "A filter with a syntax error, live", 2, "man pcap-filter", ["intercept", "tcp prt 80"] },
        { "A size that is none", 2, "64KiB", ["capture", "-i", "lo", "-B", "many"] },
        { "A rate that is none", 2, "rate", ["replay", OwnCapture, "-i", "lo", "--rate", "fast"] },
        { "A probability that is none", 2, "100%", ["intercept", "--loss", "101%"] },
        { "A probability without its sign", 2, "write 0.1%", ["intercept", "--loss", "0.1"] },
        { "A delay without its unit", 2, "write 20ms", ["intercept", "--delay", "20"] },
        { "A namespace that does not exist, for cleanup", 1, "ip netns list", ["cleanup", "--netns", "nosuch"] },
        { "A lock that is none, for cleanup", 2, "id of a lock", ["cleanup", "--lock", "interceptor:17:4"] },
        { "A duration that is none", 2, "duration", ["intercept", "--delay", "soon"] },
        { "A schedule and more", 2, "goes with no other impairment", ["intercept", "--schedule", "plan", "--loss", "1%"] },
        { "A schedule that is not there", 4, "there is no such file", ["intercept", "--schedule", "/nonexistent/plan"] },
        { "A mark that is none", 2, "32 bits", ["intercept", "--mark", "4294967296"] },
        { "A jitter of nothing", 2, "--jitter goes with --delay", ["intercept", "--jitter", "5ms"] },
        { "Overtaking nothing", 2, "--reorder goes with --delay", ["intercept", "--reorder", "5%"] },
        { "A queue before no rate", 2, "--limit goes with --rate", ["intercept", "--limit", "5"] },
        { "A rate of nothing for each", 2, "goes with --rate", ["intercept", "--rate-per-connection"] },
        { "No rate at all", 2, "--rate is more than 0", ["intercept", "--rate", "0bit"] },
        { "Bursts that can't lose so much", 2, "less than 66.67% is lost", ["intercept", "--loss", "70%", "--burst", "2"] },
        { "A burst of less than a packet", 2, "1 or more", ["intercept", "--loss", "1%", "--burst", "0.5"] },
        { "Two ways to lose", 2, "give one of them", ["intercept", "--loss", "1%", "--gemodel", "1%,10%"] },
        { "A channel with too little said", 2, "2 to 4 probabilities", ["intercept", "--gemodel", "1%"] },
        { "A distribution of nothing", 2, "--distribution goes with --jitter", ["intercept", "--delay", "5ms", "--distribution", "normal"] },
        { "A distribution that is none", 2, "pareto", ["intercept", "--delay", "5ms", "--jitter", "1ms", "--distribution", "flat"] },
        { "A page without a terminal", 2, "For a program there is --control", ["intercept", "--hold"] },
        { "A breakpoint without a terminal", 2, "takes a terminal", ["intercept", "--hold-when", "fin"] },
        { "A breakpoint with a mistake", 2, "at character 7: 'fins' is unknown", ["intercept", "--control", "--hold-when", "syn | fins"] },
        { "A limit of nothing held", 2, "--hold-age goes with --hold", ["intercept", "--hold-age", "5s"] },
        { "A limit with a policy that is none", 2, "'keep' is none of release-oldest", ["intercept", "--control", "--hold-packets", "5:keep"] },
        { "An age that knows no newest", 2, "an age knows no newest", ["intercept", "--control", "--hold-age", "5s:drop-newest"] },
        { "A time to hold without its unit", 2, "write 5ms or 5s", ["intercept", "--hold-for", "5"] },
        { "A filter to hold until with a mistake", 2, "man pcap-filter", ["intercept", "--hold-until", "tcp prt 80"] },
        { "An end that is none", 2, "--hold-end is release or drop", ["intercept", "--control", "--hold-end", "keep"] },
        { "A hook that is none", 2, "prerouting", ["intercept", "--hook", "sideways"] },
        { "A connection that is none", 2, "LOCAL-PEER", ["checkpoint", "--pid", "1", "--connection", "here-there", "-o", "/tmp/never"] },
        { "A missing file for info", 4, "no such file", ["info", "/nonexistent/capture.pcap"] },
        { "A missing file for read", 4, "no such file", ["read", "/nonexistent/capture.pcap"] },
        { "A missing file for tcp", 4, "no such file", ["tcp", "/nonexistent/capture.pcap"] },
        { "A missing file for replay", 4, "no such file", ["replay", "/nonexistent/capture.pcap", "-i", "lo"] },
        { "A file that is no capture", 4, "neither pcap nor pcapng", ["info", ProjectPaths.Root + "/README.md"] },
        { "A missing image", 4, "/nonexistent/image", ["restore", "/nonexistent/image"] },
        { "An interface that does not exist, for capture", 1, "lo", ["capture", "-i", "nosuch0", "-c", "1"] },
        { "An interface that does not exist, for replay", 1, "lo", ["replay", OwnCapture, "-i", "nosuch0"] },
        { "A process that does not exist", 1, "999999999", ["checkpoint", "--pid", "999999999", "--connection", "192.0.2.1:1-192.0.2.2:2", "-o", "/tmp/never"] },
        { "A misspelt command", 2, "there is no command 'reed'. Did you mean read?\nTry:", ["reed", OwnCapture] },
        { "A misspelt command of a command", 2, "demo has no command 'rstore'. Did you mean restore?", ["demo", "rstore"] },
        { "A command that lacks its command", 2, "interceptor demo needs a command: restore.", ["demo"] },
        { "A misspelt option", 2, "read has no option '--wirte'. Did you mean --write?", ["read", OwnCapture, "--wirte", "x"] },
        { "A misspelt option before the command", 2, "'--josn'. Did you mean --json?", ["--josn", "read", OwnCapture] },
        { "An argument too many", 2, "doctor has no argument 'now'.", ["doctor", "now"] },
        { "Help for a command that does not exist", 2, "there is no command 'frob'.", ["help", "frob"] },
        { "A missing file, as an example", 2, "read needs a FILE, as: interceptor read trace.pcapng", ["read"] },
        { "A missing file for info, as an example", 2, "info needs a FILE, as:", ["info"] },
        { "A missing option", 2, "-i IF must be given.", ["capture"] },
        { "A missing value", 2, "-c needs a value: -c N", ["read", OwnCapture, "-c"] },
        { "A count that is none", 2, "'x' is no whole number, or one too large: -c N", ["read", OwnCapture, "-c", "x"] },
        { "A count beyond all numbers", 2, "'99999999999999999999' is no whole number, or one too large", ["tcp", OwnCapture, "-c", "99999999999999999999"] },
        { "A count of nothing", 2, "1 or more", ["read", OwnCapture, "-c", "0"] },
        { "A count below nothing", 2, "above 0", ["tcp", OwnCapture, "-c", "-5"] },
        { "A count given twice", 2, "-c is given 2 times", ["read", OwnCapture, "-c", "1", "-c", "2"] },
        { "A side that is none", 2, "'left' can't be taken: --side client|server", ["tcp", OwnCapture, "--follow", "0", "--side", "left"] },
        { "Two files for read", 2, "is the name of a file, and stands where the filter is", ["read", OwnCapture, OwnCapture] },
        { "The filter before the file", 4, "is the name of a file, and stands where the filter is", ["read", "tcp", OwnCapture] },
        { "A file and an interface", 2, "is the name of a file, and stands where the filter is", ["tcp", OwnCapture, "-i", "lo"] },
        { "An empty name", 4, "'': can't be read: its name is empty.", ["info", ""] },
        { "An empty name to write", 1, "'': can't be written: its name is empty.", ["read", OwnCapture, "-w", ""] },
        { "A directory", 4, "it is a directory", ["tcp", ProjectPaths.Root] },
        { "A directory to write", 1, "it is a directory", ["read", OwnCapture, "-w", ProjectPaths.Root] },
        { "A file where a directory should be", 4, "there is no such file", ["read", OwnCapture + "/x"] },
        { "A device without an end that is no capture", 4, "neither pcap nor pcapng", ["read", "/dev/zero"] },
        { "A device that is empty", 4, "the file is empty", ["tcp", "/dev/null"] },
        { "A name that no file can have", 4, "its name is too long", ["read", new string('x', 5000)] },
        { "Standard input twice", 2, "- is standard input, which can be read once", ["info", "-", "-"] },
        { "A picture where no file can be made", 1, "/proc/x.svg: can't be written: there is no such directory.", ["tcp", OwnCapture, "--graph", "0", "-o", "/proc/x.svg"] },
        { "Contents where there is no directory", 1, "/nonexistent/x: can't be written: there is no such directory.", ["tcp", OwnCapture, "--follow", "0", "-o", "/nonexistent/x"] },
        { "Streams where no directory can be made", 1, "--extract /proc/x: can't be written: there is no such directory.", ["tcp", OwnCapture, "--extract", "/proc/x"] },
        { "The past of an interface", 2, "record it with interceptor capture", ["tcp", "-i", "lo", "--at", "1"] },
        { "Contents of one connection and the report of another", 2, "leave another --connection out", ["tcp", OwnCapture, "--follow", "0", "--connection", "1"] },
        { "A connection id that does not exist", 1, "12345", ["tcp", OwnCapture, "--connection", "12345"] },
    };

    private static string OwnCapture => Path.Combine(ProjectPaths.OwnCaptures, "pcap-microseconds.pcap");

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_has_its_exit_code_and_a_message_that_helps(string mistake, int exitCode, string hint, string[] arguments)
    {
        CliResult result = CliProcess.Run(arguments);
        Assert.True(result.ExitCode == exitCode, $"{mistake}: {result}");
        Assert.True(result.Error.Contains(hint, StringComparison.Ordinal), $"{mistake}: no '{hint}' in: {result}");
        Assert.DoesNotContain("   at Interceptor", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_misspelt_command_is_the_only_mistake_told() =>
        Assert.DoesNotContain("Required command", CliProcess.Run("capure").Error, StringComparison.Ordinal);

    [Fact]
    public void Help_is_a_command_too()
    {
        Assert.Equal(HelpOf().Output, CliProcess.Run("help").Output);
        Assert.Equal(HelpOf("demo", "restore").Output, CliProcess.Run("help", "demo", "restore").Output);
    }

    [Theory]
    [InlineData("info")]
    [InlineData("read")]
    [InlineData("tcp")]
    public void The_help_states_the_limits_that_the_reader_keeps(string command)
    {
        string help = HelpOf(command).Output;
        string[] limits =
        [
            $"a packet has at most {FormatLimits.StandardPacketLength >> 10} KiB",
            $"a pcapng block {FormatLimits.LargestBlockLength >> 20} MiB",
            $"unpacks to {FormatLimits.MostUnpacked >> 30} GiB at most",
            $"from {FormatLimits.UnpackedAtAnyRatio >> 20} MiB on, to {FormatLimits.LargestRatio} times its size",
            $"window is {FormatLimits.LargestWindow >> 20} MiB at most",
        ];
        Assert.All(limits, limit => Assert.Contains(limit, help, StringComparison.Ordinal));
    }

    [Fact]
    public void The_version_is_plain() => Assert.Matches(@"^\d+\.\d+\.\d+\n$", CliProcess.Run("--version").Output);

    [Fact]
    public void Escapes_in_an_argument_do_not_reach_the_terminal()
    {
        CliResult result = CliProcess.Run("\x1b]0;title\x07");
        Assert.Equal(2, result.ExitCode);
        Assert.DoesNotContain('\x1b', result.Error);
    }

    [Theory]
    [InlineData("info")]
    [InlineData("read")]
    [InlineData("tcp")]
    public void A_truncated_file_is_printed_as_far_as_it_goes_and_then_named(string command)
    {
        byte[] whole = File.ReadAllBytes(OwnCapture);
        string cut = Path.Combine(_folder, "cut.pcap");
        File.WriteAllBytes(cut, whole[..^5]);
        CliResult result = CliProcess.Run(command, cut);
        Assert.True(result.ExitCode == 4, result.ToString());
        Assert.NotEmpty(result.Output);
        Assert.Contains("at byte", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CAP_NET_RAW", "capture", "-i", "lo", "-c", "1")]
    [InlineData("CAP_NET_ADMIN", "intercept", "udp port 9")]
    [InlineData("user namespace", "demo", "restore")]
    public void Without_a_privilege_the_message_names_it_and_the_remedy(string privilege, params string[] arguments)
    {
        if (!File.Exists("/usr/bin/setpriv"))
        {
            Assert.Skip("setpriv is not installed.");
        }

        CliResult result = CliProcess.RunWithoutPrivileges(arguments);
        Assert.True(result.ExitCode == 3, result.ToString());
        Assert.Contains(privilege, result.Error, StringComparison.Ordinal);
        Assert.Contains("root", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_command_explains_itself()
    {
        CliResult root = HelpOf();
        string[] commands = [.. root.Lines.SkipWhile(line => line != "Commands:").Skip(1)
            .Where(line => line.StartsWith("  ", StringComparison.Ordinal) && line[2] != ' ').Select(line => line.Trim().Split(' ')[0]), "demo restore"];
        Assert.Contains("demo", commands);
        GoldenFile.Verify("cli/help.txt", root.Output + string.Concat(commands.Select(command => $"--- interceptor {command} --help\n{HelpOf(command.Split(' ')).Output}")));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static CliResult HelpOf(params string[] command)
    {
        CliResult help = CliProcess.Run([.. command, "--help"]);
        Assert.True(help.ExitCode == 0, help.ToString());
        return help;
    }
}
