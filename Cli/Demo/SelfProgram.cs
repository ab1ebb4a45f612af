using System.Reflection;

namespace Interceptor.Cli.Demo;

/// <summary>How to start this program again.</summary>
internal static class SelfProgram
{
    /// <summary>The program and its first arguments: this executable, or the .NET host with our assembly, or the executable beside our assembly.</summary>
    internal static string[] Command()
    {
        string process = Environment.ProcessPath ?? throw new DemoException("this system does not tell what program is running.");
        string assembly = Assembly.GetExecutingAssembly().Location;
        string executable = Path.ChangeExtension(assembly, null);
        return Path.GetFileName(process) == "dotnet" ? [process, assembly]
            : Path.GetFileName(process) == Path.GetFileName(executable) ? [process]
            : [executable];
    }
}
