namespace Interceptor.Capture.Files;

/// <summary>
/// The files that this process writes under a passing name, to give them their own when they are whole: whoever ends the process before can take them away.
/// <para>Threads: any.</para>
/// </summary>
public static class UnfinishedFiles
{
    private static readonly Lock Gate = new();
    private static readonly HashSet<string> Paths = [];

    /// <summary>A passing name in the folder of a file, already known as unfinished.</summary>
    /// <param name="path">The full path that the file is to have.</param>
    public static string NameBeside(string path)
    {
        string passing = Path.Combine(Path.GetDirectoryName(path)!, $".interceptor.{Environment.ProcessId}-{Guid.NewGuid():n}.part");
        Add(passing);
        return passing;
    }

    /// <summary>Before a file is made under a passing name.</summary>
    public static void Add(string path)
    {
        lock (Gate)
        {
            Paths.Add(path);
        }
    }

    /// <summary>The file is whole: it gets its name, and what had that name before is gone.</summary>
    /// <exception cref="IOException">It can't be renamed.</exception>
    public static void Finish(string path, string finalPath)
    {
        lock (Gate)
        {
            File.Move(path, finalPath, overwrite: true);
            Paths.Remove(path);
        }
    }

    /// <summary>Takes a file away that will not be whole, if it is there.</summary>
    /// <exception cref="IOException">It can't be deleted.</exception>
    public static void Delete(string path)
    {
        lock (Gate)
        {
            Paths.Remove(path);
            File.Delete(path);
        }
    }

    /// <summary>Takes all of them away, for a process that ends at once. What can't be deleted stays: there is nobody to tell.</summary>
    public static void DeleteAll()
    {
        lock (Gate)
        {
            foreach (string path in Paths)
            {
                try
                {
                    File.Delete(path);
                }
                catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
                {
                    // The next one may still be possible.
                }
            }

            Paths.Clear();
        }
    }
}
