using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Capture.Files;

/// <summary>
/// One file of a split. It can be closed and opened again: a pcapng file then goes on with a further section, a pcap file with its next packet, a compressed one with a
/// further member or frame.
/// </summary>
internal sealed class SplitPart(string path)
{
    private readonly string _finalPath = System.IO.Path.GetFullPath(path);
    private string? _passingPath;
    private CaptureFileWriter? _writer;
    private long _closedPackets;
    private long _closedBytes;
    private int _headerRead;
    private int _generation;
    private int _sectionStart;

    internal SplitFile Description => new(path, Packets, Bytes);

    internal long Packets => _closedPackets + (_writer?.PacketsWritten ?? 0);

    internal long Bytes => _closedBytes + (_writer?.BytesWritten ?? 0);

    internal bool IsOpen => _writer is not null;

    /// <summary>Opens it, for the first time or again.</summary>
    /// <exception cref="CaptureFileException">It can't be written.</exception>
    internal void Open(ICaptureFileSource source)
    {
        bool isContinued = _passingPath is not null;
        try
        {
            if (Directory.Exists(_finalPath))
            {
                throw new CaptureFileException(path, -1, CaptureFileFault.Unwritable, "can't be written: it is a directory");
            }

            _passingPath ??= UnfinishedFiles.NameBeside(_finalPath);
            CaptureFileTarget target = CaptureFileTarget.OpenPart(path, _passingPath, isContinued);
            _writer = CaptureFile.HasPcapName(path)
                ? new PcapWriter(target, nanoseconds: true) { IsContinued = isContinued }
                : CaptureFile.CreateCopyOn(target, source, CaptureFileFormat.PcapNg);
        }
        catch (Exception exception) when (FileFailure.IsOfFile(exception))
        {
            throw Unwritable(exception);
        }

        _headerRead = 0;
        _generation = 0;
        _sectionStart = 0;
    }

    internal void Write(in CapturedPacket packet, ICaptureFileSource source, SplitHeader header, PcapNgOptionScope scope)
    {
        if (_writer is not PcapNgWriter blocks || source.Format != CaptureFileFormat.PcapNg)
        {
            _writer!.AddInterfacesOf(source);
            _writer.Write(packet);
            return;
        }

        TakeHeader(blocks, header);
        blocks.Write(new CapturedPacket(packet.Data, packet.Metadata with { InterfaceId = LocalId(packet.Metadata.InterfaceId, header) }), source.PacketOptions, scope);
    }

    /// <summary>Takes a block that belongs between its packets.</summary>
    internal void Write(in PcapNgBlock block, SplitHeader header, PcapNgOptionScope scope)
    {
        if (_writer is PcapNgWriter blocks)
        {
            TakeHeader(blocks, header);
            int id = block.InterfaceId < 0 ? block.InterfaceId : LocalId(block.InterfaceId, header);
            blocks.CopyBlock(new PcapNgBlock(block.Type, block.Body, block.IsBigEndian, block.Scale, id), captureInterface: null, scope);
        }
    }

    internal void Flush() => _writer?.Flush();

    internal void Close()
    {
        if (_writer is { } writer)
        {
            // What closing writes counts too.
            writer.Flush();
            _closedPackets += writer.PacketsWritten;
            _closedBytes += writer.BytesWritten;
            _writer = null;
            writer.Dispose();
        }
    }

    /// <summary>Gives it its name.</summary>
    /// <exception cref="CaptureFileException">It can't be given.</exception>
    internal void Finish()
    {
        try
        {
            UnfinishedFiles.Finish(_passingPath!, _finalPath);
            _passingPath = null;
        }
        catch (Exception exception) when (FileFailure.IsOfFile(exception))
        {
            throw Unwritable(exception);
        }
    }

    /// <summary>Takes it away, unless it has its name.</summary>
    internal void Abandon()
    {
        _writer?.Dispose();
        _writer = null;
        if (_passingPath is not null)
        {
            UnfinishedFiles.Delete(_passingPath);
        }
    }

    private void TakeHeader(PcapNgWriter blocks, SplitHeader header)
    {
        if (_generation != header.Generation)
        {
            _generation = header.Generation;
            _headerRead = 0;
        }

        for (; _headerRead < header.Blocks.Count; _headerRead++)
        {
            StoredBlock block = header.Blocks[_headerRead];
            _sectionStart = block.Type == PcapNgCodes.SectionHeader ? blocks.Interfaces.Count : _sectionStart;
            blocks.CopyBlock(block.Lend(), block.Described, header.Scope);
        }
    }

    private int LocalId(int id, SplitHeader header) => id - header.FirstInterface + _sectionStart;

    private CaptureFileException Unwritable(Exception exception) =>
        new(path, -1, CaptureFileFault.Unwritable, "can't be written: " + FileFailure.WhyNotWritten(exception), exception);
}
