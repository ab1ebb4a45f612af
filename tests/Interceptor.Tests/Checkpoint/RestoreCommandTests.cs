using Interceptor.Checkpoint;
using Interceptor.Replay;
using Interceptor.Testing;

namespace Interceptor.Tests.Checkpoint;

/// <summary>Images that <c>restore</c> must not touch: it says what is wrong with each, and leaves every byte of it.</summary>
public sealed class RestoreCommandTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("restore-command-").FullName;

    private string Image => Path.Combine(_root, "image");

    [Theory]
    [InlineData("missing", "no session image")]
    [InlineData("empty", "no session image")]
    [InlineData("cut", "damaged, cut or changed")]
    [InlineData("changed", "damaged, cut or changed")]
    [InlineData("unfinished", "no commit record")]
    [InlineData("foreign", "is not a session image's")]
    [InlineData("old", "it has version 1; this program reads version 3")]
    [InlineData("newer", "it has version 99; this program reads version 3")]
    public void A_bad_image_is_named_with_exit_code_4_and_left_as_it_is(string damage, string message)
    {
        Damage(damage);
        string before = Contents();
        CliResult result = CliProcess.Run("restore", Image, "--", "true");
        Assert.True(result.ExitCode == 4, result.ToString());
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Equal(before, Contents());
    }

    [Theory]
    [InlineData("--check")]
    [InlineData("--splice", "127.0.0.1:1")]
    public void However_it_is_asked_for_a_bad_image_comes_first(params string[] how)
    {
        Damage("cut");
        CliResult result = CliProcess.Run(["restore", Image, .. how]);
        Assert.True(result.ExitCode == 4, result.ToString());
        Assert.Contains("damaged, cut or changed", result.Error, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private void Damage(string kind)
    {
        if (kind == "missing")
        {
            return;
        }

        if (kind == "empty")
        {
            Directory.CreateDirectory(Image);
            return;
        }

        SessionFiles.Write(Image, SessionImageDirectoryTests.Example());
        string queue = Path.Combine(Image, SessionImageDirectory.ReceiveQueueName);
        switch (kind)
        {
            case "cut":
                File.WriteAllBytes(queue, File.ReadAllBytes(queue)[1..]);
                break;
            case "changed":
                byte[] bytes = File.ReadAllBytes(queue);
                bytes[0] ^= 1;
                File.WriteAllBytes(queue, bytes);
                break;
            case "unfinished":
                File.Delete(Path.Combine(Image, SessionCommitRecord.Name));
                break;
            case "foreign":
                Rewrite("\"format\": \"interceptor-session\"", "\"format\": \"holiday-pictures\"");
                break;
            default:
                Rewrite("\"version\": 3", kind == "old" ? "\"version\": 1" : "\"version\": 99");
                break;
        }
    }

    /// <summary>Changes session.json and the commit record with it, as another program would have written both.</summary>
    private void Rewrite(string old, string replacement)
    {
        string path = Path.Combine(Image, SessionImageDirectory.DocumentName);
        string text = File.ReadAllText(path);
        Assert.Contains(old, text, StringComparison.Ordinal);
        File.WriteAllText(path, text.Replace(old, replacement, StringComparison.Ordinal));
        var files = Directory.EnumerateFiles(Image).Where(file => Path.GetFileName(file) != SessionCommitRecord.Name)
            .ToDictionary(file => Path.GetFileName(file)!, File.ReadAllBytes, StringComparer.Ordinal);
        File.WriteAllBytes(Path.Combine(Image, SessionCommitRecord.Name), SessionCommitRecord.Write(files));
    }

    private string Contents() => !Directory.Exists(Image)
        ? ""
        : string.Join('\n', Directory.EnumerateFiles(Image).Order(StringComparer.Ordinal).Select(file => $"{file} {Convert.ToHexString(File.ReadAllBytes(file))}"));
}
