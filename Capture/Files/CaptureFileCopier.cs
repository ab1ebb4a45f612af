using Interceptor.Packets;

namespace Interceptor.Capture.Files;

/// <summary>
/// Writes packets of one capture file to another with everything that both formats can hold. From pcapng to pcapng that is each section with its options, the
/// interfaces and packets with theirs (a number of the file's byte order becomes little-endian), interface statistics, names, decryption secrets, and custom
/// blocks and options that may be copied; all in their order, and all instants in nanoseconds.
/// <para>Made before the first packet is read. Threads: one.</para>
/// </summary>
public sealed class CaptureFileCopier
{
    private readonly CaptureFileReader _reader;
    private readonly CaptureFileWriter _writer;
    private readonly PcapNgWriter? _blocks;

    /// <summary>Joins the two, which stay the caller's.</summary>
    /// <param name="reader">The source, of which no packet has been read.</param>
    /// <param name="writer">The destination, made by <see cref="CaptureFile.CreateCopy"/> for a section header of the source's.</param>
    public CaptureFileCopier(CaptureFileReader reader, CaptureFileWriter writer)
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

    /// <summary>Writes the packet that was read last.</summary>
    public void Copy(in CapturedPacket packet) => Copy(packet, PcapNgOptionScope.All);

    /// <summary>Writes what became of the packet that was read last: the hash that the file may have of it is left out.</summary>
    public void CopyChanged(in CapturedPacket packet) => Copy(packet, PcapNgOptionScope.OfChanged);

    /// <summary>Writes a further packet that was made of the one read last: of its options it gets the flags.</summary>
    public void CopyPiece(in CapturedPacket packet) => Copy(packet, PcapNgOptionScope.OfPiece);

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

    /// <summary>Makes the file complete: interfaces without packets are described too.</summary>
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
        bool isLeftOut = LeavesOutAddresses
            && block.Type is (PcapNgCodes.NameResolution or PcapNgCodes.DecryptionSecrets or PcapNgCodes.JournalExport or PcapNgCodes.CopyableCustom);
        if (!isLeftOut)
        {
            _blocks!.CopyBlock(block, block.Type == PcapNgCodes.InterfaceDescription ? _reader.Interfaces[block.InterfaceId] : null,
                LeavesOutAddresses ? PcapNgOptionScope.WithoutAddresses : PcapNgOptionScope.All);
        }
    }
}
