using System.Text;
using Interceptor.Capture.Files;

namespace Interceptor.Cli.Output;

/// <summary>A file that gets its name only when it is complete; till then an older one of that name stays.</summary>
internal sealed class FileWrittenAside : IDisposable
{
    private readonly string _path;
    private readonly string _finalPath;
    private readonly string _temporaryPath;
    private readonly PassingFileStream _stream;
    private bool _committed;

    /// <summary>Opens it beside the final one, so that what can't be written is known before the work is done.</summary>
    /// <exception cref="IOException">It can't be made there; the inner exception, if any, has the cause.</exception>
    internal FileWrittenAside(string path)
    {
        if (Directory.Exists(path))
        {
            throw new IOException($"{path}: can't be written: it is a directory.");
        }

        _path = path;
        _finalPath = (File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName : null) ?? Path.GetFullPath(path);
        _temporaryPath = UnfinishedFiles.NameBeside(_finalPath);
        _stream = new PassingFileStream(_temporaryPath, FileMode.CreateNew, path);
    }

    /// <summary>What takes its bytes until <see cref="Commit()"/>.</summary>
    internal Stream Stream => _stream;

    /// <summary>Writes all of it at once and gives it its name.</summary>
    internal void Commit(string text)
    {
        _stream.Write(Encoding.UTF8.GetBytes(text));
        Commit();
    }

    /// <summary>Everything is written: it gets its name.</summary>
    /// <exception cref="IOException">The disk is full or fails, or the name can't be given.</exception>
    internal void Commit()
    {
        _stream.FlushToDisk();
        try
        {
            UnfinishedFiles.Finish(_temporaryPath, _finalPath);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw PassingFileStream.Unwritable(_path, exception);
        }

        _committed = true;
    }

    public void Dispose()
    {
        _stream.Abandon();
        if (!_committed)
        {
            UnfinishedFiles.Delete(_temporaryPath);
        }
    }
}
