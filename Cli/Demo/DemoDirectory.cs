using System.Security.Cryptography;
using Interceptor.Interop;

namespace Interceptor.Cli.Demo;

/// <summary>The demo's directory among the system's temporary files. Its name tells whose it is, so that it can be recognised after a SIGKILL.</summary>
internal static class DemoDirectory
{
    private const string Prefix = "interceptor-demo-";

    /// <summary>Makes one for this process, readable by its user only.</summary>
    internal static DirectoryInfo Create()
    {
        string suffix = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
        return Directory.CreateTempSubdirectory($"{Prefix}{ProcessIdentity.Current}-{suffix}-");
    }

    /// <summary>Those whose process has ended without removing them.</summary>
    internal static IReadOnlyList<string> FindLeftovers()
    {
        try
        {
            return [.. new DirectoryInfo(Path.GetTempPath()).EnumerateDirectories($"{Prefix}*").Where(IsLeftover).Select(directory => directory.FullName)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static bool IsLeftover(DirectoryInfo directory)
    {
        string[] words = directory.Name[Prefix.Length..].Split('-');
        return words.Length == 4 && directory.LinkTarget is null && ProcessIdentity.IsOfTheDead($"{words[0]}-{words[1]}");
    }
}
