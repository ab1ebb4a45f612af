using Interceptor.Interop;

namespace Interceptor.Capture.Files;

/// <summary>Opens capture files for reading and makes new ones.</summary>
public static class CaptureFile
{
    /// <summary>The name that stands for standard input and output.</summary>
    public const string StandardStream = "-";

    /// <summary>
    /// Opens a capture: a file, a FIFO, or <c>-</c> for standard input. The format is told by the content; gzip and Zstandard are unpacked on the way.
    /// </summary>
    /// <param name="path">The name.</param>
    /// <param name="until">
    /// Ends the capture where it is then, also while it waits for a pipe: what is half read there is left out, and
    /// <see cref="CaptureFileReader.WasInterrupted"/> tells of it.
    /// </param>
    /// <exception cref="CaptureFileException">It does not exist, can't be read, is empty, or is no capture.</exception>
    /// <exception cref="OperationCanceledException">It was ended before the first header was there.</exception>
    public static CaptureFileReader OpenRead(string path, CancellationToken until = default)
    {
        InputStream input = OpenStream(path, until);
        return new(input, input.Name, input, until);
    }

    /// <summary>Opens a capture that another program may still be writing: at its end the reader waits for more.</summary>
    /// <param name="path">A file or FIFO.</param>
    /// <param name="until">Ends the file where it is then; what is half written there is left out.</param>
    /// <exception cref="CaptureFileException">It does not exist, can't be read, or is no capture.</exception>
    /// <exception cref="OperationCanceledException">It was ended before the first header was there.</exception>
    public static CaptureFileReader OpenFollowing(string path, CancellationToken until) =>
        new(new FollowingStream(OpenStream(path, until), until), path, input: null, until);

    /// <summary>Reads a capture from a stream, which the reader then owns.</summary>
    /// <param name="stream">The stream, at the start of the capture; need not be seekable.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="CaptureFileException">It is empty, or no capture.</exception>
    public static CaptureFileReader OpenRead(Stream stream, string name) => new(stream, name, input: null, CancellationToken.None);

    /// <summary>
    /// Makes a capture file: pcapng, or pcap where the name ends in <c>.pcap</c> or <c>.cap</c>; compressed with gzip where <c>.gz</c> follows, with
    /// Zstandard where <c>.zst</c> does; <c>-</c> is standard output, as pcapng.
    /// </summary>
    /// <param name="path">Where to.</param>
    /// <param name="mode">Whether the file appears whole at the end, or grows under its name.</param>
    /// <param name="section">What a pcapng file says of its making; null for this process.</param>
    /// <param name="format">The format, whatever the name says; null for the name's.</param>
    /// <exception cref="CaptureFileException">It can't be made there.</exception>
    public static CaptureFileWriter Create(
        string path, CaptureFileMode mode = CaptureFileMode.Direct, PcapNgSection? section = null, CaptureFileFormat? format = null)
    {
        CaptureFileTarget target = CaptureFileTarget.Open(path, mode);
        return (format ?? FormatOfName(path)) == CaptureFileFormat.Pcap ? new PcapWriter(target, nanoseconds: true) : new PcapNgWriter(target, section);
    }

    /// <summary>
    /// Makes a file for packets of another with all that goes with them, for a <see cref="CaptureFileCopier"/>: the format follows from the name as in
    /// <see cref="Create"/>, and a pcapng file takes over the section headers of a pcapng source.
    /// </summary>
    /// <param name="path">Where to.</param>
    /// <param name="source">What is copied.</param>
    /// <param name="mode">Whether the file appears whole at the end, or grows under its name.</param>
    /// <exception cref="CaptureFileException">It can't be made there.</exception>
    public static CaptureFileWriter CreateCopy(string path, ICaptureFileSource source, CaptureFileMode mode = CaptureFileMode.Replace)
    {
        ArgumentNullException.ThrowIfNull(source);
        return CreateCopyOn(CaptureFileTarget.Open(path, mode), source, FormatOfName(path));
    }

    /// <summary>The same for a target that is open: a merger has no section header that could be taken over, but says what it is to be.</summary>
    internal static CaptureFileWriter CreateCopyOn(CaptureFileTarget target, ICaptureFileSource source, CaptureFileFormat format) => (format, source) switch
    {
        (CaptureFileFormat.Pcap, _) => new PcapWriter(target, nanoseconds: true),
        (_, CaptureFileMerger merger) => new PcapNgWriter(target, merger.Section),
        (_, { Format: CaptureFileFormat.PcapNg }) => new PcapNgWriter(target),
        _ => new PcapNgWriter(target, section: null),
    };

    /// <summary>The format that a name asks for.</summary>
    public static CaptureFileFormat FormatOfName(string path) => HasPcapName(path) ? CaptureFileFormat.Pcap : CaptureFileFormat.PcapNg;

    /// <summary>True for names that ask for classic pcap.</summary>
    public static bool HasPcapName(string path)
    {
        string extension = Path.GetExtension(CompressionFormat.OfName(path) == CaptureCompression.None ? path : Path.GetFileNameWithoutExtension(path));
        return extension.Equals(".pcap", StringComparison.OrdinalIgnoreCase) || extension.Equals(".cap", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Opens a file, FIFO or, as -, standard input.</summary>
    /// <exception cref="CaptureFileException">It can't be read: why, in words.</exception>
    internal static InputStream OpenStream(string path, CancellationToken until)
    {
        ArgumentNullException.ThrowIfNull(path);
        try
        {
            InputStream input = path == StandardStream ? InputStream.OpenStandardInput(until) : InputStream.Open(path, until);
            if (!input.Status.IsDirectory)
            {
                return input;
            }

            input.Dispose();
        }
        catch (LinuxException exception)
        {
            throw new CaptureFileException(path.Length == 0 ? "''" : path == StandardStream ? exception.Subject : path, -1, CaptureFileFault.Unreadable, $"can't be read: {WhyNotOpen(path, exception)}", exception);
        }

        throw new CaptureFileException(path, -1, CaptureFileFault.Unreadable, "can't be read: it is a directory");
    }

    private static string WhyNotOpen(string path, LinuxException exception) => exception.Errno switch
    {
        Errno.ENOENT when path.Length == 0 => "its name is empty",
        Errno.ENOENT or Errno.ENOTDIR => "there is no such file",
        Errno.EACCES or Errno.EPERM => "permission denied; run this as a user who may read it",
        Errno.ENXIO => "it is a socket, or a device that is not there",
        Errno.EBADF => "the process was started without one",
        Errno.ENAMETOOLONG => "its name is too long",
        _ => exception.Reason,
    };
}
