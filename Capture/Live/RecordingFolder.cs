using Interceptor.Capture.Files;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Live;

/// <summary>
/// The files of one recording on the disk: gives each a name that nothing has, and deletes the oldest where a ring or a budget says so. It deletes only what it
/// made: a file that was moved away, or replaced by another, is left alone, and so are files of earlier recordings, whose numbers it goes on from.
/// <para>Threads: one.</para>
/// </summary>
internal sealed class RecordingFolder(string path, CaptureRotation? rotation, CaptureFileFormat? format, TimeZoneInfo zone)
{
    private readonly FileNamePattern _pattern = rotation is null ? FileNamePattern.Literal(path) : FileNamePattern.Parse(path);
    private readonly Queue<KeptFile> _closed = new();
    private long _closedBytes;
    private KeptFile? _open;
    private string? _lastName;
    private int _lastNumber;

    /// <summary>Makes the next file and deletes what is then too much.</summary>
    /// <param name="at">What it is named after.</param>
    /// <exception cref="CaptureFileException">It can't be made.</exception>
    /// <exception cref="IOException">An old one can't be deleted.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    internal CaptureFileWriter Create(CaptureTimestamp at)
    {
        while (_closed.Count > 0 && _closed.Count >= rotation?.Files)
        {
            DeleteOldest();
        }

        // The first of a recording that does not rotate is what was asked for, whatever is there: a FIFO, a device, an old file.
        CaptureFileWriter writer = rotation is null && _lastName is null ? CaptureFile.Create(_lastName = path, format: format) : CreateNew(_pattern.Expand(at, zone));
        _open = new KeptFile(writer.Path, FileStatus.Of(writer.Path), 0);
        return writer;
    }

    /// <summary>The open file is closed and stays.</summary>
    /// <returns>Bytes that it takes.</returns>
    internal long Keep()
    {
        KeptFile file = _open ?? throw new InvalidOperationException("No file is open.");
        _open = null;
        file = file with { Bytes = FileStatus.Of(file.Path) is { } now && now.IsSameFile(file.Status ?? default) ? now.Length : file.Status?.Length ?? 0 };
        _closed.Enqueue(file);
        _closedBytes += file.Bytes;
        return file.Bytes;
    }

    /// <summary>The open file is closed and shall not stay; the next has its number again.</summary>
    internal void Discard()
    {
        Delete(_open ?? throw new InvalidOperationException("No file is open."));
        _open = null;
        _lastNumber--;
    }

    /// <summary>Deletes the oldest files until the recording is within its budget; the open file is never deleted.</summary>
    /// <param name="openBytes">Bytes of the open file.</param>
    internal void MakeRoom(long openBytes)
    {
        while (_closed.Count > 0 && _closedBytes + openBytes > rotation?.KeepBytes)
        {
            DeleteOldest();
        }
    }

    private CaptureFileWriter CreateNew(string name)
    {
        if (_pattern.HasDirectoryConversions)
        {
            MakeDirectory(name);
        }

        bool numbered = rotation is not null && !_pattern.HasConversions;
        if (name != _lastName)
        {
            _lastName = name;
            _lastNumber = numbered ? HighestNumber(name) : 0;
        }
        else if (rotation is null)
        {
            // What asks for a further file may have moved this one away.
            _lastNumber = 0;
        }

        while (true)
        {
            _lastNumber++;
            string candidate = numbered || _lastNumber > 1 ? FileNamePattern.Numbered(name, _lastNumber) : name;
            try
            {
                return CaptureFile.Create(candidate, CaptureFileMode.New, format: format);
            }
            catch (CaptureFileException exception) when (exception.InnerException is IOException { HResult: Errno.EEXIST } && _lastNumber < int.MaxValue)
            {
                // Somebody's file, or a link to one: the next number.
            }
        }
    }

    private static void MakeDirectory(string name)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(name)!);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CaptureFileException(name, -1, CaptureFileFault.Unwritable, "can't be written: its directory can't be made", exception);
        }
    }

    private static int HighestNumber(string name)
    {
        string directory = Path.GetDirectoryName(name) is { Length: > 0 } given ? given : ".";
        try
        {
            return Directory.EnumerateFileSystemEntries(directory).Max(entry => (int?)FileNamePattern.NumberOf(Path.GetFileName(entry), name)) ?? 0;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A directory that can be written and not listed; if it is not there, making the file says so.
            return 0;
        }
    }

    private void DeleteOldest()
    {
        KeptFile oldest = _closed.Dequeue();
        _closedBytes -= oldest.Bytes;
        Delete(oldest);
    }

    private static void Delete(KeptFile file)
    {
        if (file.Status is { } made && FileStatus.Of(file.Path) is { } now && now.IsSameFile(made))
        {
            File.Delete(file.Path);
        }
    }

    private readonly record struct KeptFile(string Path, FileStatus? Status, long Bytes);
}
