using Interceptor.Interop;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Tcp;

/// <summary>What <c>interceptor tcp</c> writes into files, on a disk that has no room for it.</summary>
public sealed class OutputFileFailureTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("interceptor-test").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("--follow 0 -o stream", "stream")]
    [InlineData("--follow 0 --format hex -o stream", "stream")]
    [InlineData("--graph 0 -o picture.html", "picture.html")]
    [InlineData("--extract .", "192.0.2.2.8080-192.0.2.1.58606")]
    public void A_full_disk_is_told_by_the_name_that_was_asked_for_and_leaves_nothing(string options, string name)
    {
        using NetworkNamespace privileged = KernelTest.CreateNamespace("output-files");
        string capture = Path.Combine(ProjectPaths.OwnCaptures, "http-download-with-loss.pcapng");

        // The mount is of a namespace that goes with the shell.
        string script = $"""
            mount -t tmpfs -o size=16k none '{_directory}' && cd '{_directory}'
            dotnet '{CliProcess.AssemblyPath}' tcp '{capture}' {options} >/dev/null
            echo code $?
            ls -A
            """;
        ChildResult result = ChildProcess.Run(privileged, TimeSpan.FromSeconds(60), "unshare", "-m", "sh", "-c", script);
        Assert.True(result.Output == "code 1\n", result.ToString());
        Assert.EndsWith($"{name}: can't be written: no space is left on the device.\n", result.Error, StringComparison.Ordinal);
    }
}
