using Interceptor.Capture.Files;

namespace Interceptor.Capture.Live;

/// <summary>When a recording goes on in a further file, and how many are kept. The files are numbered: <c>lo.pcapng</c> gives <c>lo-00001.pcapng</c>, ...</summary>
public sealed record CaptureRotation
{
    /// <summary>A file that has reached so many bytes is followed by another; null for no limit.</summary>
    public long? FileBytes { get; init; }

    /// <summary>A packet captured so long after its file was begun goes into another; null for no limit. A silent time makes no files.</summary>
    public TimeSpan? FileTime { get; init; }

    /// <summary>Files kept: the oldest of this recording is deleted when there would be more. Null keeps all.</summary>
    public int? Files { get; init; }

    /// <summary>The name of the file with a number, from 1.</summary>
    public static string NameOf(string path, int number)
    {
        string extension = CompressionFormat.ExtensionsOf(path);
        string name = $"{Path.GetFileName(path)[..^extension.Length]}-{number:D5}{extension}";
        return Path.GetDirectoryName(path) is { Length: > 0 } directory ? Path.Combine(directory, name) : name;
    }
}
