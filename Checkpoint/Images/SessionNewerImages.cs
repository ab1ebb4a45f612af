using System.Text;
using Interceptor.Interop;

namespace Interceptor.Checkpoint;

/// <summary>
/// <c>newer</c> in an image's directory: which images were taken with it as their base. While one of them is there, the connection went on behind this image, and going back to
/// it would tell the peer what it knows to be over. Not under the commit record: it comes later.
/// </summary>
public static class SessionNewerImages
{
    /// <summary>The file: a line for each, its id and its directory, from this one.</summary>
    public const string Name = "newer";

    private const string Separator = "  ";

    /// <summary>The newer images that are where they were written; empty for the newest of a chain. Of an image in a set, also those of the set.</summary>
    /// <param name="directory">The image.</param>
    public static IReadOnlyList<string> FindFrom(string directory)
    {
        string set = Path.Combine(directory, "..");
        return [.. SessionSet.IsSet(set) ? NotedIn(set).Select(static newer => Path.Combine("..", newer)) : [], .. NotedIn(directory)];
    }

    private static IEnumerable<string> NotedIn(string directory)
    {
        try
        {
            string path = Path.Combine(directory, Name);
            return File.Exists(path)
                ? [.. File.ReadLines(path).Select(line => line.Split(Separator, 2)).Where(note => note.Length == 2 && IsThere(directory, note)).Select(static note => note[1])]
                : [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Adds one, and is not done before that is on disk.</summary>
    /// <param name="directory">The base.</param>
    /// <param name="id">The newer image's.</param>
    /// <param name="newer">Where it will be.</param>
    /// <param name="aside">A directory beside that which is there already.</param>
    /// <param name="isDurable">False leaves it to the caller to flush it.</param>
    /// <exception cref="IOException">It could not be written.</exception>
    internal static void Note(string directory, string id, string newer, string aside, bool isDurable)
    {
        string path = Path.Combine(directory, Name);

        // As the base's path in the newer image: relative, unless a symbolic link above makes the way another.
        bool isRelative = Directory.Exists(Path.Combine(directory, Path.GetRelativePath(directory, aside)));
        string target = isRelative ? Path.GetRelativePath(directory, newer) : Path.GetFullPath(newer);
#pragma warning disable CA1416 // Runs on Linux only.
        var options = new FileStreamOptions
        {
            Mode = FileMode.Append,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
#pragma warning restore CA1416
        using (FileStream stream = new(path, options))
        {
            stream.Write(Encoding.UTF8.GetBytes($"{id}{Separator}{target}\n"));
        }

        if (isDurable)
        {
            DurableFile.Flush(path);
        }
    }

    private static bool IsThere(string directory, string[] note)
    {
        string newer = Path.Combine(directory, note[1]);
        return ((string[])[SessionImageDirectory.DocumentName, SessionSet.IndexName]).Select(name => Path.Combine(newer, name))
            .Any(document => File.Exists(document) && File.ReadAllText(document).Contains($"\"{note[0]}\"", StringComparison.Ordinal));
    }
}
