using System.Runtime.InteropServices;
using Interceptor.Packets;

namespace Interceptor.Capture.Files;

/// <summary>
/// Writes a capture file. Packets are buffered; <see cref="Flush"/> hands over whole blocks, never half of one.
/// <para>Ends: <see cref="Commit"/> says that the file is complete. Disposing a file that is written aside without it leaves the old file
/// as it was; disposing any other flushes first.</para>
/// <para>Threads: one writer. A full disk or a closed pipe surfaces as <see cref="IOException"/> from the call that hands over; the file
/// then ends at a block.</para>
/// </summary>
public abstract class CaptureFileWriter : IPacketSink
{
    private const int InitialLength = 256 * 1024;

    private readonly CaptureFileTarget _target;
    private readonly List<CaptureInterface> _interfaces = [];
    private byte[] _buffer = GC.AllocateUninitializedArray<byte>(InitialLength);
    private readonly List<int> _ends = new(InitialLength / 64);
    private readonly List<int> _endsOfOthers = [];
    private int _used;
    private long _packetsAccepted;
    private long _packetsInFile;
    private bool _disposed;

    private protected CaptureFileWriter(CaptureFileTarget target) => _target = target;

    /// <summary>The file as it was named.</summary>
    public string Path => _target.Path;

    /// <summary>True where the file gets its name from <see cref="Commit"/>; until then an old one of that name stays.</summary>
    public bool IsWrittenAside => _target.IsAside;

    /// <summary>True after a failure to write: the file ends where it was told, and nothing more comes into it.</summary>
    public bool HasFailed => _target.HasFailed;

    /// <summary>The interfaces described so far, in order of their ids.</summary>
    public IReadOnlyList<CaptureInterface> Interfaces => _interfaces;

    /// <summary>
    /// Packets written. After a failure those that are in the file: of a compressed one those that were flushed, as what came later may be readable in part.
    /// </summary>
    public long PacketsWritten => _target.HasFailed ? _packetsInFile : _packetsAccepted;

    /// <summary>Bytes of the file so far, before compression, those still buffered included.</summary>
    public long BytesWritten => _target.BytesWritten + _used;

    /// <summary>
    /// Bytes that the file takes, those still buffered included; of a compressed one what is packed so far, which lags by what the buffer and the compression hold.
    /// </summary>
    public long BytesStored => _target.BytesStored + (_target.IsCompressed ? 0 : _used);

    /// <summary>Describes an interface and gives its id, which packets name in <see cref="PacketMetadata.InterfaceId"/>.</summary>
    /// <exception cref="CaptureFileException">The format has no place for it.</exception>
    public abstract int AddInterface(CaptureInterface captureInterface);

    /// <summary>Describes those of a source's interfaces that are not yet described here, so that both have the same ids.</summary>
    public void AddInterfacesOf(IPacketSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        for (int id = _interfaces.Count; id < source.Interfaces.Count; id++)
        {
            AddInterface(source.Interfaces[id]);
        }
    }

    /// <summary>
    /// Writes a packet under its <see cref="PacketMetadata.InterfaceId"/>; if no interface of that id and link type is described,
    /// under the first of its link type, which is added where it is missing.
    /// </summary>
    /// <exception cref="CaptureFileException">The format can't express it.</exception>
    public abstract void Write(in CapturedPacket packet);

    /// <summary>Hands everything to the operating system: another process reading the file sees whole packets.</summary>
    public void Flush()
    {
        HandOver();
        _target.Flush();
        _packetsInFile = PacketsWritten;
    }

    /// <summary>
    /// <see cref="Flush"/>, and what a gzip file has so far can be unpacked without what comes, checksum and all: to any reader it is a whole file.
    /// A Zstandard file is one frame, so that every reader takes it: it is only flushed.
    /// </summary>
    public void EndMember()
    {
        HandOver();
        _target.EndMember();
        _packetsInFile = PacketsWritten;
    }

    /// <summary>The file is complete: flushes, and gives a file that was written aside its name. What follows is lost.</summary>
    public void Commit()
    {
        Finish();
        HandOver();
        _target.Commit();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Flushes and closes.</summary>
    /// <param name="disposing">True when called by <see cref="Dispose()"/>.</param>
    protected virtual void Dispose(bool disposing)
    {
        if (_disposed || !disposing)
        {
            return;
        }

        try
        {
            Finish();
            Flush();
        }
        finally
        {
            _disposed = true;
            _target.Dispose();
        }
    }

    /// <summary>The first interface that packets may name now.</summary>
    private protected virtual int FirstInterfaceOfSection => 0;

    /// <summary>Writes what a complete file must have even if no packet came.</summary>
    private protected virtual void Finish()
    {
    }

    private protected int RegisterInterface(CaptureInterface captureInterface)
    {
        _interfaces.Add(captureInterface);
        return _interfaces.Count - 1;
    }

    /// <summary>The id to write a packet under, as <see cref="Write"/> promises.</summary>
    private protected int InterfaceFor(in PacketMetadata metadata)
    {
        int id = metadata.InterfaceId;
        if (id >= FirstInterfaceOfSection && id < _interfaces.Count && _interfaces[id].LinkType == metadata.LinkType)
        {
            return id;
        }

        for (id = FirstInterfaceOfSection; id < _interfaces.Count; id++)
        {
            if (_interfaces[id].LinkType == metadata.LinkType)
            {
                return id;
            }
        }

        return AddInterface(new CaptureInterface(metadata.LinkType, 0));
    }

    /// <summary>Room for one block of at most <paramref name="length"/> bytes; hands over what was there if it must.</summary>
    private protected Span<byte> Reserve(int length)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (length > _buffer.Length - _used)
        {
            HandOver();
            if (length > _buffer.Length)
            {
                _buffer = GC.AllocateUninitializedArray<byte>(length);
            }
        }

        return _buffer.AsSpan(_used, length);
    }

    /// <summary>The block in the reserved room is complete and has this length.</summary>
    private protected void Accept(int length)
    {
        _used += length;
        _endsOfOthers.Add(_ends.Count);
        _ends.Add(_used);
    }

    /// <summary>The same for the block of a packet.</summary>
    private protected void AcceptPacket(int length)
    {
        _used += length;
        _ends.Add(_used);
        _packetsAccepted++;
    }

    private void HandOver()
    {
        int used = _used;
        _used = 0;
        try
        {
            _target.Write(_buffer.AsSpan(0, used), CollectionsMarshal.AsSpan(_ends));
            _packetsInFile = _target.IsCompressed ? _packetsInFile : PacketsWritten;
        }
        catch
        {
            _packetsInFile += _target.BlocksKept - _endsOfOthers.Count(index => index < _target.BlocksKept);
            throw;
        }
        finally
        {
            _ends.Clear();
            _endsOfOthers.Clear();
        }
    }
}
