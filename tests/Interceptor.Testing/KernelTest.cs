using Interceptor.Interop;
using Xunit;

namespace Interceptor.Testing;

/// <summary>What a kernel test needs of the machine; a test that can't have it is skipped with the reason, and CI forbids skips.</summary>
public static class KernelTest
{
    /// <summary>A new network namespace, or a skip where the machine does not let us make one.</summary>
    public static NetworkNamespace CreateNamespace(string name)
    {
        try
        {
            return NetworkNamespace.Create(name);
        }
        catch (LinuxException exception) when (exception.IsPermission)
        {
            Assert.Skip(exception.Message);
            throw;
        }
    }

    /// <summary>Skips unless <paramref name="tool"/> is installed.</summary>
    public static void RequireTool(string tool)
    {
        bool found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Append("/sbin")
            .Any(directory => directory.Length > 0 && File.Exists(Path.Combine(directory, tool)));
        if (!found)
        {
            Assert.Skip($"{tool} is not installed.");
        }
    }
}
