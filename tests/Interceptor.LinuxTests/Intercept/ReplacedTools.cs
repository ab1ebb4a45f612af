using System.Diagnostics;
using Interceptor.Interop;
using Interceptor.Testing;

namespace Interceptor.LinuxTests.Intercept;

/// <summary>A folder of shell scripts that the tool finds before the system's programs of the same names: machines that lack something, or where something breaks.</summary>
internal sealed class ReplacedTools : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("replaced-tools-");

    internal string PathOf(string name) => Path.Combine(_folder.FullName, name);

    internal void Replace(string tool, string script)
    {
        File.WriteAllText(PathOf(tool), $"#!/bin/sh\n{script}\n");
        ChildProcess.Run(null, TimeSpan.FromSeconds(10), "chmod", "755", PathOf(tool));
    }

    internal Process Start(NetworkNamespace network, params string[] arguments) => ChildProcess.Start(network, "env", Command(arguments));

    internal ChildResult Run(NetworkNamespace network, params string[] arguments) => ChildProcess.Run(network, "env", Command(arguments));

    public void Dispose() => _folder.Delete(recursive: true);

    private string[] Command(string[] arguments) =>
        [$"PATH={_folder.FullName}:{Environment.GetEnvironmentVariable("PATH")}", "dotnet", CliProcess.AssemblyPath, .. arguments];
}
