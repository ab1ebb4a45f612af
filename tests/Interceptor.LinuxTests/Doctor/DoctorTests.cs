using System.Text.Json;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Doctor;

public sealed class DoctorTests
{
    [Fact]
    public void A_machine_that_runs_these_tests_has_everything_needed()
    {
        using (KernelTest.CreateNamespace("doctor-test"))
        {
            CliResult result = CliProcess.Run("doctor", "--json");
            Assert.True(result.ExitCode == 0, result.ToString());
            JsonElement[] lines = [.. result.Lines.Select(line => JsonDocument.Parse(line).RootElement)];
            Assert.All(lines[..^1], line => Assert.True(line.GetProperty("present").GetBoolean() || !line.GetProperty("needed").GetBoolean(), line.ToString()));
            Assert.Contains(lines, line => line.GetProperty("type").GetString() == "check" && line.GetProperty("name").GetString() == "TCP_REPAIR");
            Assert.Equal("summary", lines[^1].GetProperty("type").GetString());
            Assert.Equal(0, lines[^1].GetProperty("missing").GetInt32());
        }
    }

    [Fact]
    public void A_user_without_privileges_is_told_what_is_missing_and_why()
    {
        KernelTest.RequireTool("setpriv");
        using (KernelTest.CreateNamespace("doctor-test"))
        {
            CliResult result = CliProcess.RunWithoutPrivileges("doctor");
            Assert.True(result.ExitCode == 3, result.ToString());
            Assert.Contains("NO  packet sockets", result.Output, StringComparison.Ordinal);
            Assert.Contains("CAP_NET_RAW", result.Output, StringComparison.Ordinal);
            Assert.Contains("unshare -Urn", result.Output, StringComparison.Ordinal);
        }
    }
}
