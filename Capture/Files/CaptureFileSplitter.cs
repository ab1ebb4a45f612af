using System.Globalization;
using Interceptor.Packets;

namespace Interceptor.Capture.Files;

/// <summary>
/// Writes packets of one capture into several files beside the one that was named, each a whole capture: section, interfaces, names and secrets are in all of them.
/// Counters of an interface go with its packets; where files are of connections they belong nowhere and are left out, as are custom blocks.
/// <para>Files get their names together, from <see cref="Commit"/>. At most <see cref="MaximumOpen"/> are open at a time, and there are at most
/// <see cref="MaximumFiles"/>. Made before the first packet is read. Threads: one.</para>
/// </summary>
public sealed class CaptureFileSplitter : ICaptureCopy
{
    /// <summary>Files that are open at a time; each has a buffer of 256 KiB.</summary>
    public const int MaximumOpen = 64;

    /// <summary>Files that are made at most.</summary>
    public const int MaximumFiles = 10_000;

    // Of a packet besides its bytes and options, with what they are padded to.
    private const int BlockLength = 40;

    private readonly ICaptureFileSource _source;
    private readonly string _stem;
    private readonly string _extension;
    private readonly SplitKind _kind;
    private readonly long _amount;
    private readonly Func<long>? _connection;
    private readonly bool _leavesOutAddresses;
    private readonly SplitHeader _header;
    private readonly List<SplitPart> _parts = [];
    private readonly Dictionary<long, SplitPart> _byKey = [];
    private readonly LinkedList<SplitPart> _open = [];
    private SplitPart? _current;
    private CaptureTimestamp? _intervalStart;

    /// <summary>Splits a source, which stays the caller's.</summary>
    /// <param name="source">The source, of which no packet has been read.</param>
    /// <param name="path">The name that those of the files are made of: <c>out-00001.pcapng</c> of <c>out.pcapng</c>.</param>
    /// <param name="kind">What decides.</param>
    /// <param name="amount">How much a file holds; more than 0 where that decides.</param>
    /// <param name="connection">The connection of the packet read last, below 0 for none; where connections decide.</param>
    /// <param name="leavesOutAddresses">As <see cref="CaptureFileCopier.LeavesOutAddresses"/>.</param>
    public CaptureFileSplitter(ICaptureFileSource source, string path, SplitKind kind, long amount = 0, Func<long>? connection = null, bool leavesOutAddresses = false)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(path);
        _source = source;
        _kind = kind;
        _amount = amount;
        _connection = connection;
        _leavesOutAddresses = leavesOutAddresses;
        _header = new SplitHeader(Scope);
        _extension = ExtensionOf(path);
        _stem = path[..^_extension.Length];
        if (source.Format == CaptureFileFormat.PcapNg)
        {
            source.BlockHandler = Take;
        }
    }

    /// <summary>The files so far, in the order in which they were begun.</summary>
    public IEnumerable<SplitFile> Files => _parts.Select(static part => part.Description);

    /// <inheritdoc/>
    public long PacketsWritten { get; private set; }

    /// <inheritdoc/>
    public bool IsWrittenAside => true;

    private PcapNgOptionScope Scope => _leavesOutAddresses ? PcapNgOptionScope.WithoutAddresses : PcapNgOptionScope.All;

    /// <inheritdoc/>
    public void Copy(in CapturedPacket packet) => Write(packet, PcapNgOptionScope.All);

    /// <inheritdoc/>
    public void CopyChanged(in CapturedPacket packet) => Write(packet, PcapNgOptionScope.OfChanged);

    /// <inheritdoc/>
    public void CopyPiece(in CapturedPacket packet) => Write(packet, PcapNgOptionScope.OfPiece);

    /// <inheritdoc/>
    public void Flush()
    {
        foreach (SplitPart part in _open)
        {
            part.Flush();
        }
    }

    /// <inheritdoc/>
    public void Commit()
    {
        foreach (SplitPart part in _open)
        {
            part.Close();
        }

        _open.Clear();
        foreach (SplitPart part in _parts)
        {
            part.Finish();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (SplitPart part in _parts)
        {
            part.Abandon();
        }
    }

    private void Write(in CapturedPacket packet, PcapNgOptionScope scope)
    {
        SplitPart part = _kind switch
        {
            SplitKind.Connection => OfKey(Math.Max(_connection!(), -1)),
            SplitKind.Interface => OfKey(packet.Metadata.InterfaceId),
            _ => IsFull(in packet) ? Next() : _current!,
        };
        Use(part);
        part.Write(in packet, _source, _header, scope);
        PacketsWritten++;
    }

    private bool IsFull(in CapturedPacket packet)
    {
        if (_kind == SplitKind.Time && packet.Metadata.HasTimestamp)
        {
            CaptureTimestamp start = _intervalStart ??= packet.Metadata.Timestamp;
            Int128 intervals = ((Int128)packet.Metadata.Timestamp.Nanoseconds - start.Nanoseconds) / _amount;
            if (intervals >= 1)
            {
                _intervalStart = new CaptureTimestamp((long)(start.Nanoseconds + (intervals * _amount)));
                return true;
            }
        }

        return _current is null || _kind switch
        {
            SplitKind.Packets => _current.Packets >= _amount,
            SplitKind.Size => _current.Packets > 0 && _current.Bytes + BlockLength + packet.Data.Length + _source.PacketOptions.Bytes.Length > _amount,
            _ => false,
        };
    }

    private SplitPart Next()
    {
        if (_current is { } full)
        {
            full.Close();
            _open.Remove(full);
        }

        return _current = Add(string.Create(CultureInfo.InvariantCulture, $"{_parts.Count + 1:D5}"));
    }

    private SplitPart OfKey(long key)
    {
        if (!_byKey.TryGetValue(key, out SplitPart? part))
        {
            part = Add(_kind == SplitKind.Interface ? string.Create(CultureInfo.InvariantCulture, $"interface-{key}")
                : key < 0 ? "other" : string.Create(CultureInfo.InvariantCulture, $"connection-{key}"));
            _byKey.Add(key, part);
        }

        return part;
    }

    private SplitPart Add(string name)
    {
        if (_parts.Count == MaximumFiles)
        {
            throw new CaptureFileException($"{_stem}-{name}{_extension}", -1, CaptureFileFault.Unsupported,
                $"the capture would be split into more than {MaximumFiles} files; split a part of it, or into larger files");
        }

        var part = new SplitPart($"{_stem}-{name}{_extension}");
        _parts.Add(part);
        return part;
    }

    /// <summary>Opens it if it is not, in place of the one that was not used for longest.</summary>
    private void Use(SplitPart part)
    {
        if (_open.Last?.Value == part)
        {
            return;
        }

        if (part.IsOpen)
        {
            LinkedListNode<SplitPart> node = _open.Find(part)!;
            _open.Remove(node);
            _open.AddLast(node);
            return;
        }

        if (_open.Count == MaximumOpen)
        {
            _open.First!.Value.Close();
            _open.RemoveFirst();
        }

        part.Open(_source);
        _open.AddLast(part);
    }

    private void Take(in PcapNgBlock block)
    {
        if ((_leavesOutAddresses && CaptureFileCopier.TellsAddresses(block.Type)) || _header.TryAdd(in block, _source))
        {
            return;
        }

        SplitPart? part = _kind switch
        {
            SplitKind.Connection => null,
            SplitKind.Interface => _byKey.GetValueOrDefault(block.InterfaceId),
            _ => _current,
        };
        if (part is not null)
        {
            Use(part);
            part.Write(in block, _header, Scope);
        }
    }

    private static string ExtensionOf(string path)
    {
        string last = Path.GetExtension(path);
        return CompressionFormat.OfName(path) == CaptureCompression.None ? last : Path.GetExtension(path[..^last.Length]) + last;
    }
}
