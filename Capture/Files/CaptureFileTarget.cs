using Interceptor.Interop;

namespace Interceptor.Capture.Files;

/// <summary>Where a new capture file's bytes go, and what makes them a file of that name.</summary>
internal sealed class CaptureFileTarget : IDisposable
{
    private readonly bool _leaveOpen;
    private readonly string? _finalPath;
    private readonly string? _temporaryPath;
    private readonly long _origin;
    private readonly Stream? _packer;
    private bool _failed;
    private bool _committed;

    private CaptureFileTarget(string path, Stream stream, bool leaveOpen, string? temporaryPath, string? finalPath)
    {
        Path = path;
        Stream = stream;
        _packer = CompressionFormat.Pack(CompressionFormat.OfName(path), stream);
        _leaveOpen = leaveOpen;
        _temporaryPath = temporaryPath;
        _finalPath = finalPath;
        _origin = stream.CanSeek ? stream.Position : 0;
    }

    /// <summary>The name in messages.</summary>
    internal string Path { get; }

    /// <summary>Bytes handed to the operating system.</summary>
    internal long BytesWritten { get; private set; }

    /// <summary>True where the bytes get their name when they are whole.</summary>
    internal bool IsAside => _temporaryPath is not null;

    private Stream Stream { get; }

    internal static CaptureFileTarget ForStream(Stream stream, bool leaveOpen) => new("the stream", stream, leaveOpen, null, null);

    internal static CaptureFileTarget Open(string path, CaptureFileMode mode)
    {
        if (path == CaptureFile.StandardStream)
        {
            return new("standard output", new StandardOutputStream(), leaveOpen: false, null, null);
        }

        if (path.Length == 0)
        {
            throw new CaptureFileException("''", -1, CaptureFileFault.Unwritable, "can't be written: its name is empty");
        }

        if (Directory.Exists(path))
        {
            throw new CaptureFileException(path, -1, CaptureFileFault.Unwritable, "can't be written: it is a directory");
        }

        try
        {
            return mode == CaptureFileMode.Replace && (FileStatus.Of(path) is { IsRegular: true } || !File.Exists(path))
                ? OpenAside(path)
                : new(path, Open(path, FileMode.Create), leaveOpen: false, null, null);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw Unwritable(path, exception);
        }
    }

    /// <summary>
    /// Hands whole blocks to the operating system. After a failure the file is cut back to the last whole block where that is possible,
    /// and nothing more is written.
    /// </summary>
    internal void Write(ReadOnlySpan<byte> blocks)
    {
        if (_failed || _committed || blocks.IsEmpty)
        {
            return;
        }

        try
        {
            (_packer ?? Stream).Write(blocks);
            BytesWritten += blocks.Length;
        }
        catch (IOException exception)
        {
            _failed = true;
            CutBack();
            ThrowUnwritable(exception);
            throw;
        }
    }

    internal void Flush()
    {
        if (_failed || _committed)
        {
            return;
        }

        try
        {
            _packer?.Flush();
            Stream.Flush();
        }
        catch (IOException exception)
        {
            _failed = true;
            ThrowUnwritable(exception);
            throw;
        }
    }

    /// <summary>Gives the bytes their name, where they were written aside.</summary>
    internal void Commit()
    {
        if (_failed || _committed)
        {
            return;
        }

        EndCompression();
        Stream.Flush();
        if (_temporaryPath is not null)
        {
            // Where an old file is replaced, the new one must be on the disk before the old one is gone.
            if (File.Exists(_finalPath))
            {
                ((FileStream)Stream).Flush(flushToDisk: true);
            }

            File.Move(_temporaryPath, _finalPath!, overwrite: true);
        }

        _committed = true;
    }

    public void Dispose()
    {
        try
        {
            if (!_failed && !_committed)
            {
                EndCompression();
            }
        }
        finally
        {
            if (!_leaveOpen)
            {
                Stream.Dispose();
            }

            if (_temporaryPath is not null && !_committed)
            {
                File.Delete(_temporaryPath);
            }
        }
    }

    /// <summary>Writes what the compression holds back and its checksum.</summary>
    private void EndCompression()
    {
        try
        {
            _packer?.Dispose();
        }
        catch (IOException exception)
        {
            _failed = true;
            ThrowUnwritable(exception);
            throw;
        }
    }

    private void ThrowUnwritable(IOException exception)
    {
        if (Stream is FileStream && exception.HResult != Errno.EPIPE)
        {
            throw Unwritable(Path, exception);
        }
    }

    private static CaptureFileTarget OpenAside(string path)
    {
        string final = System.IO.Path.GetFullPath(File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path : path);
        string temporary = System.IO.Path.Combine(
            System.IO.Path.GetDirectoryName(final)!,
            $".interceptor.{Environment.ProcessId}-{Guid.NewGuid():n}.part");
        return new(path, Open(temporary, FileMode.CreateNew), leaveOpen: false, temporary, final);
    }

    private static FileStream Open(string path, FileMode mode) =>
        new(path, mode, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);

    // The exceptions of .NET name the file that is written aside; people are told of the one they asked for.
    private static CaptureFileException Unwritable(string path, Exception exception) =>
        new(path, -1, CaptureFileFault.Unwritable, "can't be written: " + exception switch
        {
            DirectoryNotFoundException => "there is no such directory",
            UnauthorizedAccessException => "permission denied",
            PathTooLongException => "its name is too long",
            { HResult: Errno.ENOSPC } => "no space is left on the device",
            _ => exception.Message.TrimEnd('.'),
        }, exception);

    private void CutBack()
    {
        if (!Stream.CanSeek || _packer is not null)
        {
            return;
        }

        try
        {
            Stream.SetLength(_origin + BytesWritten);
        }
        catch (IOException)
        {
            // The first failure is the one that is told.
        }
    }
}
