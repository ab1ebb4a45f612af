using Interceptor.Packets;

namespace Interceptor.Capture.Files;

/// <summary>
/// Writes packets of one capture file to another with everything that both formats can hold. From pcapng to pcapng that is each section with its options, the
/// interfaces and packets with theirs (a number of the file's byte order becomes little-endian), interface statistics, names, decryption secrets, and custom
/// blocks and options that may be copied; all in their order, and all instants in nanoseconds.
/// <para>Made before the first packet is read. Threads: one.</para>
/// </summary>
public sealed class CaptureFileCopier : ICaptureCopy
{
    private readonly ICaptureFileSource _reader;
    private readonly CaptureFileWriter _writer;
    private readonly PcapNgWriter? _blocks;

    /// <summary>Joins the two, which stay the caller's; disposing of the copier disposes of the writer.</summary>
    /// <param name="reader">The source, of which no packet has been read.</param>
    /// <param name="writer">The destination, made by <see cref="CaptureFile.CreateCopy"/> for a section header of the source's.</param>
    public CaptureFileCopier(ICaptureFileSource reader, CaptureFileWriter writer)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentNullException.ThrowIfNull(writer);
        _reader = reader;
        _writer = writer;
        if (reader.Format == CaptureFileFormat.PcapNg && writer is PcapNgWriter blocks)
        {
            _blocks = blocks;
            reader.BlockHandler = Copy;
        }
    }

    /// <summary>
    /// Leaves out what besides the packets tells addresses or what they carry: names and decryption secrets, custom blocks, and of an interface its addresses and filter.
    /// Comments stay. Set before the first packet is read.
    /// </summary>
    public bool LeavesOutAddresses { get; init; }

    /// <inheritdoc/>
    public long PacketsWritten => _writer.PacketsWritten;

    /// <inheritdoc/>
    public bool IsWrittenAside => _writer.IsWrittenAside;

    /// <inheritdoc/>
    public void Copy(in CapturedPacket packet) => Copy(packet, PcapNgOptionScope.All);

    /// <inheritdoc/>
    public void CopyChanged(in CapturedPacket packet) => Copy(packet, PcapNgOptionScope.OfChanged);

    /// <inheritdoc/>
    public void CopyPiece(in CapturedPacket packet) => Copy(packet, PcapNgOptionScope.OfPiece);

    /// <inheritdoc/>
    public void Flush() => _writer.Flush();

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();

    /// <summary>True for blocks in which addresses stand, or what packets carry.</summary>
    internal static bool TellsAddresses(uint blockType) =>
        blockType is PcapNgCodes.NameResolution or PcapNgCodes.DecryptionSecrets or PcapNgCodes.JournalExport or PcapNgCodes.CopyableCustom;

    private void Copy(in CapturedPacket packet, PcapNgOptionScope scope)
    {
        if (_blocks is not null)
        {
            _blocks.Write(packet, _reader.PacketOptions, scope);
            return;
        }

        _writer.AddInterfacesOf(_reader);
        _writer.Write(packet);
    }

    /// <inheritdoc/>
    public void Commit()
    {
        if (_blocks is null)
        {
            _writer.AddInterfacesOf(_reader);
        }

        _writer.Commit();
    }

    private void Copy(in PcapNgBlock block)
    {
        if (!LeavesOutAddresses || !TellsAddresses(block.Type))
        {
            _blocks!.CopyBlock(block, block.Type == PcapNgCodes.InterfaceDescription ? _reader.Interfaces[block.InterfaceId] : null,
                LeavesOutAddresses ? PcapNgOptionScope.WithoutAddresses : PcapNgOptionScope.All);
        }
    }
}
