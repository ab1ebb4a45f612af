using Interceptor.Interop;

namespace Interceptor.Capture.Files;

/// <summary>Where a new capture file's bytes go, and what makes them a file of that name.</summary>
internal sealed class CaptureFileTarget : IDisposable
{
    /// <summary>Of a file that grows under its name, a gzip member ends after so many bytes: each can be unpacked without the others.</summary>
    private const int MemberLength = 1 << 20;

    private readonly bool _leaveOpen;
    private readonly CaptureCompression _compression;
    private readonly string? _finalPath;
    private readonly string? _temporaryPath;
    private readonly long _origin;
    private Stream? _packer;
    private long _memberBytes;
    private bool _committed;

    private CaptureFileTarget(string path, Stream stream, bool leaveOpen, string? temporaryPath, string? finalPath)
    {
        Path = path;
        Stream = stream;
        _compression = CompressionFormat.OfName(path);
        _packer = CompressionFormat.Pack(_compression, stream);
        _leaveOpen = leaveOpen;
        _temporaryPath = temporaryPath;
        _finalPath = finalPath;
        _origin = stream.CanSeek ? stream.Position : 0;
    }

    /// <summary>The name in messages.</summary>
    internal string Path { get; }

    /// <summary>Bytes handed to the operating system.</summary>
    internal long BytesWritten { get; private set; }

    /// <summary>True where the bytes are packed on their way.</summary>
    internal bool IsCompressed => _compression != CaptureCompression.None;

    /// <summary>Bytes that the file takes, packed where it is compressed; what the compression holds back is not among them.</summary>
    internal long BytesStored => IsCompressed && Stream.CanSeek ? Stream.Position - _origin : BytesWritten;

    /// <summary>True where the bytes get their name when they are whole.</summary>
    internal bool IsAside => _temporaryPath is not null;

    /// <summary>True after a failure to write.</summary>
    internal bool HasFailed { get; private set; }

    /// <summary>Of the blocks whose <see cref="Write"/> failed, the first ones that the file has; 0 where that can't be told.</summary>
    internal int BlocksKept { get; private set; }

    /// <summary>
    /// gzip members. Not Zstandard frames: Wireshark (seen with 4.0) looks for the begin of a further frame at the wrong place once 128 KiB were read, and takes
    /// the file for damaged. So a Zstandard file is one frame, which can be unpacked up to its last flush while it grows.
    /// </summary>
    private bool HasMembers => _compression == CaptureCompression.Gzip;

    private Stream Stream { get; }

    internal static CaptureFileTarget ForStream(Stream stream, bool leaveOpen) => new("the stream", stream, leaveOpen, null, null);

    /// <summary>A file under a passing name, which somebody else gives its own: new, or to be continued.</summary>
    /// <param name="path">The name in messages, which says how it is compressed.</param>
    /// <param name="passingPath">The passing name.</param>
    /// <param name="isContinued">It is there already.</param>
    internal static CaptureFileTarget OpenPart(string path, string passingPath, bool isContinued) =>
        new(path, Open(passingPath, isContinued ? FileMode.Append : FileMode.CreateNew), leaveOpen: false, null, null);

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

        if (mode != CaptureFileMode.New && Directory.Exists(path))
        {
            throw new CaptureFileException(path, -1, CaptureFileFault.Unwritable, "can't be written: it is a directory");
        }

        try
        {
            return mode == CaptureFileMode.Replace && (FileStatus.Of(path) is { IsRegular: true } || !File.Exists(path))
                ? OpenAside(path)
                : new(path, Open(path, mode == CaptureFileMode.New ? FileMode.CreateNew : FileMode.Create), leaveOpen: false, null, null);
        }
        catch (Exception exception) when (FileFailure.IsOfFile(exception))
        {
            throw Unwritable(path, exception);
        }
    }

    /// <summary>
    /// Hands whole blocks to the operating system. After a failure the file is cut back to the last block that found room where that is possible,
    /// and nothing more is written.
    /// </summary>
    /// <param name="blocks">The blocks.</param>
    /// <param name="ends">Where each of them ends, in order.</param>
    internal void Write(ReadOnlySpan<byte> blocks, ReadOnlySpan<int> ends)
    {
        if (HasFailed || _committed || blocks.IsEmpty)
        {
            return;
        }

        try
        {
            _packer ??= CompressionFormat.Pack(_compression, Stream);
            (_packer ?? Stream).Write(blocks);
            BytesWritten += blocks.Length;
            _memberBytes += blocks.Length;
        }
        catch (IOException exception)
        {
            HasFailed = true;
            CutBack(ends);
            ThrowUnwritable(exception);
            throw;
        }

        if (HasMembers && !IsAside && _memberBytes >= MemberLength)
        {
            EndCompression();
        }
    }

    /// <summary>Flushes, and makes what was written so far a member that can be unpacked by itself, where the file has members.</summary>
    internal void EndMember()
    {
        if (HasFailed || _committed)
        {
            return;
        }

        if (HasMembers && _memberBytes > 0)
        {
            EndCompression();
        }

        Flush();
    }

    internal void Flush()
    {
        if (HasFailed || _committed)
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
            HasFailed = true;
            ThrowUnwritable(exception);
            throw;
        }
    }

    /// <summary>Gives the bytes their name, where they were written aside.</summary>
    internal void Commit()
    {
        if (HasFailed || _committed)
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

            UnfinishedFiles.Finish(_temporaryPath, _finalPath!);
        }

        _committed = true;
    }

    public void Dispose()
    {
        try
        {
            if (!HasFailed && !_committed)
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
                UnfinishedFiles.Delete(_temporaryPath);
            }
        }
    }

    /// <summary>Writes what the compression holds back and its checksum.</summary>
    private void EndCompression()
    {
        try
        {
            _packer?.Dispose();
            _packer = null;
            _memberBytes = 0;
        }
        catch (IOException exception)
        {
            HasFailed = true;
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
        string temporary = UnfinishedFiles.NameBeside(final);
        return new(path, Open(temporary, FileMode.CreateNew), leaveOpen: false, temporary, final);
    }

    private static FileStream Open(string path, FileMode mode) =>
        new(path, mode, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);

    // The exceptions of .NET name the file that is written aside; people are told of the one they asked for.
    private static CaptureFileException Unwritable(string path, Exception exception) =>
        new(path, -1, CaptureFileFault.Unwritable, "can't be written: " + FileFailure.WhyNotWritten(exception), exception);

    private void CutBack(ReadOnlySpan<int> ends)
    {
        if (!Stream.CanSeek || IsCompressed)
        {
            return;
        }

        try
        {
            long room = Math.Clamp(Stream.Length - _origin - BytesWritten, 0, int.MaxValue);
            int found = ends.BinarySearch((int)room);
            BlocksKept = found >= 0 ? found + 1 : ~found;
            BytesWritten += BlocksKept > 0 ? ends[BlocksKept - 1] : 0;
            Stream.SetLength(_origin + BytesWritten);
        }
        catch (IOException)
        {
            // The first failure is the one that is told.
        }
    }
}
