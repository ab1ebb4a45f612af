using Interceptor.Capture.Files;
using Interceptor.Interop;

namespace Interceptor.Cli.Output;

/// <summary>A file under a passing name (<see cref="UnfinishedFiles"/>) that speaks of itself by the name which it is to have.</summary>
internal sealed class PassingFileStream : WriteOnlyStream
{
    private readonly string _shownPath;
    private readonly FileStream _file;

    /// <param name="path">The passing name.</param>
    /// <param name="mode">How it is opened.</param>
    /// <param name="shownPath">The name in messages.</param>
    /// <exception cref="IOException">It can't be made; the inner exception has the cause.</exception>
    internal PassingFileStream(string path, FileMode mode, string shownPath)
    {
        _shownPath = shownPath;
        UnfinishedFiles.Add(path);
        try
        {
            _file = new FileStream(path, mode, FileAccess.Write);
        }
        catch (Exception exception) when (FileFailure.IsOfFile(exception))
        {
            throw Unwritable(shownPath, exception);
        }
    }

    /// <exception cref="IOException">The disk is full, or fails.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            _file.Write(buffer);
        }
        catch (IOException exception)
        {
            throw Unwritable(_shownPath, exception);
        }
    }

    /// <summary>Hands all of it to the disk.</summary>
    /// <exception cref="IOException">The disk is full, or fails.</exception>
    internal void FlushToDisk()
    {
        try
        {
            _file.Flush(flushToDisk: true);
        }
        catch (IOException exception)
        {
            throw Unwritable(_shownPath, exception);
        }
    }

    /// <summary>The failure for a file or directory that can't be made or written.</summary>
    internal static IOException Unwritable(string path, Exception exception) =>
        new($"{path}: can't be written: {FileFailure.WhyNotWritten(exception)}.", exception);

    /// <summary>Closes a file that nobody wants any more: what can't be written then is no loss.</summary>
    internal void Abandon()
    {
        try
        {
            _file.Dispose();
        }
        catch (IOException)
        {
            // It is closed all the same.
        }
    }

    /// <exception cref="IOException">What is left in the buffer finds no room.</exception>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            try
            {
                _file.Dispose();
            }
            catch (IOException exception)
            {
                throw Unwritable(_shownPath, exception);
            }
        }

        base.Dispose(disposing);
    }
}
