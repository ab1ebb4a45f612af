using Xunit;

namespace Interceptor.Testing;

/// <summary>Where the project's files are when a test runs.</summary>
public static class ProjectPaths
{
    /// <summary>The folder of Interceptor.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Captures made by this project's own runs.</summary>
    public static string OwnCaptures => Path.Combine(Root, "captures");

    /// <summary>Golden files.</summary>
    public static string Golden => Path.Combine(Root, "tests", "golden");

    /// <summary>The shared captures beside the project, or null where a clone does not have them.</summary>
    public static string? SharedCapturesOrNull { get; } = FindShared();

    /// <summary>The shared captures; skips the running test with a reason where they are absent.</summary>
    public static string RequireSharedCaptures()
    {
        if (SharedCapturesOrNull is null)
        {
            Assert.Skip($"The shared captures are not beside this clone (looked for {Path.Combine("..", "shared", "captures")}).");
        }

        return SharedCapturesOrNull;
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Interceptor.sln")))
            {
                return at.FullName;
            }
        }

        throw new InvalidOperationException($"No Interceptor.sln above {AppContext.BaseDirectory}.");
    }

    private static string? FindShared()
    {
        string path = Path.GetFullPath(Path.Combine(Root, "..", "shared", "captures"));
        return Directory.Exists(path) ? path : null;
    }
}
