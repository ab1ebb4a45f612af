namespace Interceptor.Capture.Files;

/// <summary>What every file of a split begins with: the section, its interfaces, names and decryption secrets.</summary>
internal sealed class SplitHeader(PcapNgOptionScope scope)
{
    /// <summary>Names and secrets beyond it are in the file that is written when they come, and not in later ones.</summary>
    private const int MaximumBytes = 16 << 20;

    private int _bytes;

    /// <summary>The blocks so far.</summary>
    internal List<StoredBlock> Blocks { get; } = [];

    /// <summary>Which section it is.</summary>
    internal int Generation { get; private set; }

    /// <summary>The id of the section's first interface.</summary>
    internal int FirstInterface { get; private set; }

    /// <summary>Which options are taken over.</summary>
    internal PcapNgOptionScope Scope => scope;

    /// <summary>Takes a block if it belongs to the header; false if it belongs between packets.</summary>
    internal bool TryAdd(in PcapNgBlock block, ICaptureFileSource source)
    {
        switch (block.Type)
        {
            case PcapNgCodes.SectionHeader:
                Blocks.Clear();
                _bytes = 0;
                Generation++;
                FirstInterface = source.Interfaces.Count;
                Blocks.Add(StoredBlock.Of(in block, block.InterfaceId, described: null));
                return true;
            case PcapNgCodes.InterfaceDescription:
                Blocks.Add(StoredBlock.Of(in block, block.InterfaceId, source.Interfaces[block.InterfaceId]));
                return true;
            case PcapNgCodes.NameResolution or PcapNgCodes.DecryptionSecrets when _bytes + block.Body.Length <= MaximumBytes:
                _bytes += block.Body.Length;
                Blocks.Add(StoredBlock.Of(in block, block.InterfaceId, described: null));
                return true;
            default:
                return false;
        }
    }
}
