using Interceptor.Testing;

namespace Interceptor.Tests.Cli;

/// <summary>What a person gets who types something wrong: the built tool, run as a process.</summary>
public sealed class UsageTests
{
    [Fact]
    public void An_unknown_command_is_wrong_usage_and_says_where_help_is()
    {
        CliResult result = CliProcess.Run("frobnicate");
        Assert.True(result.ExitCode == 2, result.ToString());
        Assert.Contains("frobnicate", result.Error, StringComparison.Ordinal);
        Assert.Contains("interceptor --help", result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Fact]
    public void Escapes_in_an_argument_do_not_reach_the_terminal()
    {
        CliResult result = CliProcess.Run("\x1b]0;title\x07");
        Assert.Equal(2, result.ExitCode);
        Assert.DoesNotContain('\x1b', result.Error);
    }
}
