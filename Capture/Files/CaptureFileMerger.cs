using Interceptor.Packets;

namespace Interceptor.Capture.Files;

/// <summary>
/// Reads several captures as one: always the earliest of their next packets, of equal ones that of the capture named first. Packets are numbered anew. The
/// interfaces of each are kept, one behind another, and so are the options of packets and the blocks between them; of the section headers the comments.
/// <para>A capture that is damaged ends there, and the others go on; the damage is thrown at the end of all.</para>
/// <para>Memory: one packet of each capture. Owns the readers. Threads: one reader.</para>
/// </summary>
public sealed class CaptureFileMerger : ICaptureFileSource
{
    private readonly MergedInput[] _inputs;
    private readonly PriorityQueue<int, (long At, int Index)> _queue = new();
    private readonly List<CaptureInterface> _interfaces = [];
    private readonly Queue<StoredBlock> _early = [];
    private readonly bool _isPrimed;
    private CaptureFileException? _damage;
    private int _latest = -1;

    /// <summary>Reads up to the first packet of each.</summary>
    /// <param name="readers">The captures, of which nothing has been read; at least one.</param>
    public CaptureFileMerger(IReadOnlyList<CaptureFileReader> readers)
    {
        ArgumentNullException.ThrowIfNull(readers);
        ArgumentOutOfRangeException.ThrowIfZero(readers.Count);
        _inputs = [.. readers.Select(static reader => new MergedInput(reader))];
        Format = readers.Any(static reader => reader.Format == CaptureFileFormat.PcapNg) ? CaptureFileFormat.PcapNg : CaptureFileFormat.Pcap;
        for (int index = 0; index < _inputs.Length; index++)
        {
            Prime(index);
        }

        _isPrimed = true;
    }

    /// <inheritdoc/>
    public CaptureFileFormat Format { get; }

    /// <inheritdoc/>
    public long PacketsRead { get; private set; }

    /// <inheritdoc/>
    public long? InputLength
    {
        get
        {
            long sum = 0;
            foreach (MergedInput input in _inputs)
            {
                if (input.Reader.InputLength is not { } length)
                {
                    return null;
                }

                sum += length;
            }

            return sum;
        }
    }

    /// <inheritdoc/>
    public long InputPosition => _inputs.Sum(static input => input.Reader.InputPosition);

    /// <inheritdoc/>
    public Action? BeforeRead
    {
        get => _inputs[0].Reader.BeforeRead;
        set
        {
            foreach (MergedInput input in _inputs)
            {
                input.Reader.BeforeRead = value;
            }
        }
    }

    /// <inheritdoc/>
    public PcapNgBlockHandler? BlockHandler { get; set; }

    /// <inheritdoc/>
    public PcapNgOptionList PacketOptions => _latest < 0 ? default : _inputs[_latest].Options;

    /// <inheritdoc/>
    public IReadOnlyList<CaptureInterface> Interfaces => _interfaces;

    /// <summary>What the section of a merged file says: who writes it, and the comments of the first section of each capture.</summary>
    public PcapNgSection Section
    {
        get
        {
            string[] comments = [.. _inputs.Where(static input => input.Reader.Section.Comment is not null).Select(static input => $"{input.Reader.Path}: {input.Reader.Section.Comment}")];
            return PcapNgSection.OfThisProcess with { Comment = comments.Length == 0 ? null : string.Join('\n', comments) };
        }
    }

    /// <inheritdoc/>
    public bool TryRead(out CapturedPacket packet)
    {
        while (_early.TryDequeue(out StoredBlock? block))
        {
            BlockHandler?.Invoke(block.Lend());
        }

        if (_latest >= 0)
        {
            Advance(_latest);
            _latest = -1;
        }

        if (!_queue.TryDequeue(out int next, out _))
        {
            packet = default;
            return _damage is null ? false : throw _damage;
        }

        _latest = next;
        packet = _inputs[next].Packet(++PacketsRead);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (MergedInput input in _inputs)
        {
            input.Reader.Dispose();
        }
    }

    private void Prime(int index)
    {
        MergedInput input = _inputs[index];
        if (input.Reader.Format == CaptureFileFormat.PcapNg)
        {
            input.Reader.BlockHandler = (in PcapNgBlock block) => Take(input, in block);
        }
        else
        {
            Describe(input, input.Reader.Interfaces[0]);
        }

        Advance(index);
    }

    private void Advance(int index)
    {
        MergedInput input = _inputs[index];
        try
        {
            if (input.TryAdvance())
            {
                _queue.Enqueue(index, (input.At.Nanoseconds, index));
            }
        }
        catch (CaptureFileException exception)
        {
            _damage ??= exception;
        }
    }

    /// <summary>A pcap file has no block for its interface; where others have, it gets one.</summary>
    private void Describe(MergedInput input, CaptureInterface described)
    {
        if (Format == CaptureFileFormat.PcapNg)
        {
            byte[] body = new byte[8];
            BitConverter.TryWriteBytes(body, (ushort)described.LinkType);
            BitConverter.TryWriteBytes(body.AsSpan(4), described.SnapLength);
            _early.Enqueue(new StoredBlock(PcapNgCodes.InterfaceDescription, body, !BitConverter.IsLittleEndian, default, _interfaces.Count, described));
        }

        input.InterfaceIds.Add(_interfaces.Count);
        _interfaces.Add(described);
    }

    private void Take(MergedInput input, in PcapNgBlock block)
    {
        if (block.Type == PcapNgCodes.SectionHeader)
        {
            return;
        }

        CaptureInterface? described = null;
        if (block.Type == PcapNgCodes.InterfaceDescription)
        {
            described = input.Reader.Interfaces[block.InterfaceId];
            input.InterfaceIds.Add(_interfaces.Count);
            _interfaces.Add(described);
        }

        int id = block.InterfaceId < 0 ? block.InterfaceId : input.InterfaceIds[block.InterfaceId];
        if (_isPrimed)
        {
            BlockHandler?.Invoke(new PcapNgBlock(block.Type, block.Body, block.IsBigEndian, block.Scale, id));
        }
        else
        {
            _early.Enqueue(StoredBlock.Of(in block, id, described));
        }
    }
}
