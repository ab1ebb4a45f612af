using Xunit;

namespace Interceptor.Testing;

/// <summary>
/// Text compared with a file under tests/golden. Running the tests with INTERCEPTOR_UPDATE_GOLDEN=1 writes the files instead;
/// the difference is then read in the commit.
/// </summary>
public static class GoldenFile
{
    /// <summary>Fails with the first differing line if <paramref name="actual"/> is not the file's content.</summary>
    public static void Verify(string name, string actual)
    {
        string path = Path.Combine(ProjectPaths.Golden, name);
        if (Environment.GetEnvironmentVariable("INTERCEPTOR_UPDATE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, actual);
            return;
        }

        Assert.True(File.Exists(path), $"tests/golden/{name} does not exist; make it with: ./test --update-golden");
        string[] expectedLines = File.ReadAllText(path).Split('\n');
        string[] actualLines = actual.Split('\n');
        for (int i = 0; i < Math.Max(expectedLines.Length, actualLines.Length); i++)
        {
            string expected = i < expectedLines.Length ? expectedLines[i] : "(end)";
            string got = i < actualLines.Length ? actualLines[i] : "(end)";
            Assert.True(expected == got, $"tests/golden/{name}, line {i + 1}:\n  expected: {expected}\n  actual:   {got}\nIf the change is meant: ./test --update-golden");
        }
    }
}
