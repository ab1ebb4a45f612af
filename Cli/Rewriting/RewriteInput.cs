using Interceptor.Capture.Files;
using Interceptor.Cli.Input;
using Interceptor.Filters;

namespace Interceptor.Cli.Rewriting;

/// <summary>The capture that is rewritten, or several as one.</summary>
internal sealed class RewriteInput : IDisposable
{
    private readonly List<CaptureFileReader> _readers;

    private RewriteInput(List<CaptureFileReader> readers)
    {
        _readers = readers;
        Source = readers is [var only] ? only : new CaptureFileMerger(readers);
    }

    /// <summary>What is read.</summary>
    internal ICaptureFileSource Source { get; }

    /// <summary>True where all of it lies in files, and can be read again.</summary>
    internal bool IsOfFiles => Source.InputLength is not null;

    /// <summary>Opens all of them.</summary>
    /// <param name="paths">The captures.</param>
    /// <param name="filter">Compiled here where the link type is known already; null for none.</param>
    /// <param name="until">Ends the reading.</param>
    internal static RewriteInput Open(string[] paths, LinkTypeFilter? filter, CancellationToken until)
    {
        InputFile.Check(paths);
        var readers = new List<CaptureFileReader>();
        try
        {
            foreach (string path in paths)
            {
                readers.Add(CaptureFile.OpenRead(path, until));
                FilterWords.CheckBefore(filter, readers[^1]);
            }

            return new RewriteInput(readers);
        }
        catch
        {
            readers.ForEach(static reader => reader.Dispose());
            throw;
        }
    }

    /// <inheritdoc cref="FilterWords.CheckAfter"/>
    internal void CheckFilter(LinkTypeFilter? filter)
    {
        if (Source.PacketsRead == 0)
        {
            FilterWords.CheckAfter(filter, _readers[0]);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Source.Dispose();
}
