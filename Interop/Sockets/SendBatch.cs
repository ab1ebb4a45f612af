using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// Packets waiting to be sent with one <c>sendmmsg</c>, in native memory that is allocated once.
/// <para>Ownership: the bytes are copied in. Threads: one.</para>
/// </summary>
internal sealed unsafe class SendBatch : IDisposable
{
    private readonly BatchMessage* _messages;
    private readonly IoVector* _vectors;
    private readonly byte* _arena;
    private readonly int _arenaLength;
    private int _used;
    private bool _disposed;

    /// <param name="capacity">Packets of one batch.</param>
    /// <param name="arenaLength">Bytes of one batch.</param>
    internal SendBatch(int capacity, int arenaLength)
    {
        Capacity = capacity;
        _arenaLength = arenaLength;
        _messages = (BatchMessage*)NativeMemory.AllocZeroed((nuint)capacity, (nuint)sizeof(BatchMessage));
        _vectors = (IoVector*)NativeMemory.AllocZeroed((nuint)capacity, (nuint)sizeof(IoVector));
        _arena = (byte*)NativeMemory.Alloc((nuint)arenaLength);
        for (int i = 0; i < capacity; i++)
        {
            _messages[i].Header.Vectors = &_vectors[i];
            _messages[i].Header.VectorCount = 1;
        }
    }

    ~SendBatch() => Free();

    /// <summary>Packets that fit.</summary>
    internal int Capacity { get; }

    /// <summary>Packets in it.</summary>
    internal int Count { get; private set; }

    /// <summary>Copies a packet in; false if there is no room left.</summary>
    internal bool TryAdd(ReadOnlySpan<byte> packet)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Count == Capacity || packet.Length > _arenaLength - _used)
        {
            return false;
        }

        packet.CopyTo(new Span<byte>(_arena + _used, packet.Length));
        _vectors[Count].Base = _arena + _used;
        _vectors[Count].Length = (nuint)packet.Length;
        _used += packet.Length;
        Count++;
        return true;
    }

    /// <summary>Length of the packet at <paramref name="index"/>.</summary>
    internal int LengthAt(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count);
        return (int)_vectors[index].Length;
    }

    /// <summary>
    /// Sends from the packet at <paramref name="first"/> on: how many the kernel took (at least 1), or the negative error number of the first.
    /// </summary>
    /// <param name="socket">Where to.</param>
    /// <param name="first">The packet.</param>
    /// <param name="isRehearsal">The kernel is given no packet, and all of them count as taken: the same code, bound and compiled by then, sends the next ones.</param>
    internal int Send(FileDescriptor socket, int first, bool isRehearsal = false)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)first, (uint)Count);
        int sent;
        do
        {
            sent = Libc.sendmmsg(socket, _messages + first, isRehearsal ? 0 : (uint)(Count - first), 0);
        }
        while (sent < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        return isRehearsal ? Count - first : sent < 0 ? -Marshal.GetLastPInvokeError() : sent;
    }

    /// <summary>Forgets the packets.</summary>
    internal void Clear()
    {
        Count = 0;
        _used = 0;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (!_disposed)
        {
            _disposed = true;
            NativeMemory.Free(_messages);
            NativeMemory.Free(_vectors);
            NativeMemory.Free(_arena);
        }
    }
}
