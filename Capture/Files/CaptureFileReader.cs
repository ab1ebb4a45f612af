using System.Buffers.Binary;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Files;

/// <summary>
/// Reads a capture file front to back: pcap or pcapng, compressed with gzip, Zstandard or not at all. It reads ahead in large blocks and lends a span into
/// them: nothing is copied or allocated for a packet. Made by <see cref="CaptureFile.OpenRead(string, CancellationToken)"/>.
/// <para>Damage is reported once, as a <see cref="CaptureFileException"/> after everything readable was delivered; then the file is at its end.</para>
/// <para>Threads: one reader.</para>
/// </summary>
public sealed class CaptureFileReader : ICaptureFileSource, IReadAheadSource
{
    private const long LongestIpPacketRoom = 80 * 1024;

    /// <summary>How much longer a capture is than its compressed file, about: for the size of a buffer.</summary>
    private const int UsualRatio = 8;

    private readonly ReadAheadBuffer _buffer;
    private readonly RecordReader _records;
    private readonly PrependedStream? _compressed;
    private readonly InputStream? _input;
    private readonly CancellationToken _until;
    private bool _ended;

    /// <param name="stream">What is read; owned.</param>
    /// <param name="path">What to call it.</param>
    /// <param name="input">The same, where it is a file whose progress can be told.</param>
    /// <param name="until">What ends the stream before its end.</param>
    internal CaptureFileReader(Stream stream, string path, InputStream? input, CancellationToken until)
    {
        Path = path;
        _input = input;
        _until = until;
        _buffer = new ReadAheadBuffer(stream, InputLength);
        try
        {
            uint magic = ReadMagic();
            Compression = CompressionFormat.OfMagic(magic);
            if (Compression != CaptureCompression.None)
            {
                _compressed = new PrependedStream(_buffer.TakeAvailable(), stream);
                _buffer = new ReadAheadBuffer(new UnpackingStream(_compressed, Compression, path, InputLength), UnpackedLength(stream));
                magic = ReadMagic();
            }

            Format = magic == PcapNgCodes.SectionHeader ? CaptureFileFormat.PcapNg : CaptureFileFormat.Pcap;
            _records = magic == PcapNgCodes.SectionHeader ? new PcapNgRecordReader(_buffer, path)
                : PcapRecordReader.IsPcap(magic) ? new PcapRecordReader(_buffer, path)
                : throw Unknown();
        }
        catch (Exception exception)
        {
            Dispose();
            if (IsCutByCaller(exception))
            {
                throw new OperationCanceledException("The reading was ended before the first header was there.", exception, until);
            }

            if (Translate(exception) is { } translated)
            {
                throw translated;
            }

            throw;
        }
    }

    /// <summary>The file as it was named to <see cref="CaptureFile.OpenRead(string, CancellationToken)"/>; <c>standard input</c> for a dash.</summary>
    public string Path { get; }

    /// <summary>The container.</summary>
    public CaptureFileFormat Format { get; }

    /// <summary>Resolution, byte order and version, for people; complete when the file was read to its end.</summary>
    public string FormatDetail => Compression == CaptureCompression.None ? _records.Detail : $"{_records.Detail}, {CompressionFormat.NameOf(Compression)}";

    /// <summary>How the file is compressed.</summary>
    public CaptureCompression Compression { get; }

    /// <summary>Bytes of the file (uncompressed) consumed so far.</summary>
    public long Offset => _buffer.Offset;

    /// <summary>Bytes of the file on the disk, compressed or not; null for what is no regular file, and for one that is followed.</summary>
    public long? InputLength => _input is { Status.IsRegular: true } input ? input.Length : null;

    /// <summary>How many of them were read so far. Any thread may ask.</summary>
    public long InputPosition => _input?.Position ?? 0;

    /// <inheritdoc/>
    public double? Fraction => InputLength is { } length and > 0 ? Math.Min(1, (double)InputPosition / length) : null;

    /// <summary>True once the reading was ended by its token before the file was at its end.</summary>
    public bool WasInterrupted { get; private set; }

    /// <summary>Packets delivered so far.</summary>
    public long PacketsRead { get; private set; }

    /// <summary>What the latest pcapng section says of its making; empty for pcap and before the first packet was asked for.</summary>
    public PcapNgSection Section => _records.Section;

    /// <summary>The pcapng sections met so far, of very many the first ones and the latest; empty for pcap.</summary>
    public IReadOnlyList<PcapNgSection> Sections => _records.Sections;

    /// <summary>The interfaces met so far: of a pcap file one from the start, of a pcapng file those described before the latest packet.</summary>
    public IReadOnlyList<CaptureInterface> Interfaces => _records.Interfaces;

    /// <summary>
    /// Sees each pcapng block that is no packet, in its place between the packets, from <see cref="TryRead"/>; those of the beginning are read with the first
    /// packet. Null for nobody: blocks that mean nothing to the reader are then skipped.
    /// </summary>
    public PcapNgBlockHandler? BlockHandler
    {
        get => _records.BlockHandler;
        set => _records.BlockHandler = value;
    }

    /// <summary>
    /// Called before the file is asked for more bytes, which may wait on a pipe or a file that is followed: the moment to show what was read so far.
    /// What it throws comes out of <see cref="TryRead"/>. Null for nothing.
    /// </summary>
    public Action? BeforeRead
    {
        get => _buffer.BeforeRead;
        set => _buffer.BeforeRead = value;
    }

    /// <summary>The options of the packet read last as the file has them, lent until the next <see cref="TryRead"/>; none for pcap.</summary>
    public PcapNgOptionList PacketOptions => _ended ? default : _records.Options;

    /// <inheritdoc/>
    public bool TryRead(out CapturedPacket packet)
    {
        packet = default;
        if (_ended)
        {
            return false;
        }

        try
        {
            if (_records.TryRead(PacketsRead + 1, out packet))
            {
                PacketsRead++;
                return true;
            }

            _ended = true;
            WasInterrupted = _until.IsCancellationRequested;
            return false;
        }
        catch (Exception exception)
        {
            _ended = true;
            if (IsCutByCaller(exception))
            {
                WasInterrupted = true;
                return false;
            }

            if (Translate(exception) is { } translated)
            {
                throw translated;
            }

            throw;
        }
    }

    /// <summary>
    /// What the file records of the packet read last besides the packet: comment, flags, verdict. Read on demand, before the next
    /// <see cref="TryRead"/>; empty for pcap.
    /// </summary>
    public PcapNgPacketOptions ReadPacketOptions() => _ended ? default : _records.ReadOptions();

    /// <inheritdoc/>
    public void Dispose() => _buffer.Dispose();

    /// <summary>A guess, for the size of a buffer: at least so much that it does not have to grow for the longest IP packet.</summary>
    private long? UnpackedLength(Stream packed) =>
        (InputLength ?? (packed.CanSeek ? packed.Length : null)) is { } length ? Math.Max(LongestIpPacketRoom, UsualRatio * length) : null;

    private uint ReadMagic()
    {
        if (_buffer.TryEnsure(4))
        {
            return BinaryPrimitives.ReadUInt32LittleEndian(_buffer.Peek(4));
        }

        throw new CaptureFileException(Path, 0, CaptureFileFault.Truncated, _buffer.Available == 0
            ? "the file is empty: not even a header is there"
            : $"the file ends after {_buffer.Available} bytes, inside its first header");
    }

    private CaptureFileException Unknown()
    {
        _ = _buffer.TryEnsure(ForeignFormat.HeadLength);
        return new(Path, 0, CaptureFileFault.UnknownFormat, ForeignFormat.Describe(_buffer.Peek(Math.Min(_buffer.Available, ForeignFormat.HeadLength))));
    }

    /// <summary>True where the file seems to end inside something because the caller ended it.</summary>
    private bool IsCutByCaller(Exception exception) => _until.IsCancellationRequested
        && (exception is CaptureFileException { Fault: CaptureFileFault.Truncated } || (exception is InvalidDataException && _compressed is { Ended: true }));

    /// <summary>What a stream throws as what a reader of captures expects; null where it is already, or is none of the file's making.</summary>
    private CaptureFileException? Translate(Exception exception) => exception switch
    {
        CaptureFileException => null,
        _ when _buffer.BeforeReadFailed => null,
        InvalidDataException when _compressed is { Ended: true } =>
            new(Path, _buffer.Offset, CaptureFileFault.Truncated, "the compressed file ends inside its data", exception),
        InvalidDataException => new(Path, _buffer.Offset, CaptureFileFault.Corrupt, exception.Message, exception),
        IOException or UnauthorizedAccessException =>
            new(Path, _buffer.Offset, CaptureFileFault.Unreadable, $"can't be read: {exception.Message}", exception),
        _ => null,
    };
}
