using System.Text;

namespace Interceptor.Cli.Graph;

/// <summary>A text file that gets its name only when it is complete; till then an older one of that name stays.</summary>
internal sealed class FileWrittenAside : IDisposable
{
    private readonly string _finalPath;
    private readonly string _temporaryPath;
    private readonly FileStream _stream;
    private bool _committed;

    /// <summary>Opens it beside the final one, so that what can't be written is known before the work is done.</summary>
    internal FileWrittenAside(string path)
    {
        if (Directory.Exists(path))
        {
            throw new IOException($"{path}: can't be written: it is a directory.");
        }

        _finalPath = (File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName : null) ?? Path.GetFullPath(path);
        _temporaryPath = Path.Combine(Path.GetDirectoryName(_finalPath)!, $".interceptor.{Environment.ProcessId}-{Guid.NewGuid():n}.part");
        try
        {
            _stream = new FileStream(_temporaryPath, FileMode.CreateNew, FileAccess.Write);
        }
        catch (DirectoryNotFoundException)
        {
            throw new IOException($"{path}: can't be written: there is no directory {Path.GetDirectoryName(_finalPath)}.");
        }
    }

    internal void Commit(string text)
    {
        _stream.Write(Encoding.UTF8.GetBytes(text));
        _stream.Flush(flushToDisk: true);
        File.Move(_temporaryPath, _finalPath, overwrite: true);
        _committed = true;
    }

    public void Dispose()
    {
        _stream.Dispose();
        if (!_committed)
        {
            File.Delete(_temporaryPath);
        }
    }
}
