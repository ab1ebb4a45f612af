using System.Globalization;

namespace Interceptor.Replay.Sides;

/// <summary>A side file that can't be used: the file, the line, why, and what to do.</summary>
public sealed class SideFileException : Exception
{
    /// <param name="path">The file as it was named.</param>
    /// <param name="line">The line, from 1; 0 for the file as a whole.</param>
    /// <param name="reason">Why, with a remedy; a whole sentence but for its beginning.</param>
    /// <param name="inner">What failed below; null for nothing.</param>
    public SideFileException(string path, int line, string reason, Exception? inner = null)
        : base(line == 0 ? $"{path}: {reason}" : string.Create(CultureInfo.InvariantCulture, $"{path}, line {line}: {reason}"), inner)
    {
        Path = path;
        Line = line;
    }

    /// <summary>The file as it was named.</summary>
    public string Path { get; }

    /// <summary>The line, from 1; 0 for the file as a whole.</summary>
    public int Line { get; }
}
