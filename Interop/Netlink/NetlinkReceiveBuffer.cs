using System.Runtime.InteropServices;

namespace Interceptor.Interop;

/// <summary>
/// Room for the messages of one <c>recvmmsg</c>: <see cref="Slots"/> buffers of <see cref="SlotLength"/> bytes in native memory, with the
/// headers that point at them. Owned by the thread that receives; spans taken from it are valid until the next receive or the disposal.
/// </summary>
internal sealed unsafe class NetlinkReceiveBuffer : IDisposable
{
    private byte* _memory;
    private MultipleMessageHeader* _headers;
    private IoVector* _vectors;

    /// <summary>Allocates; with <paramref name="touch"/> the pages are faulted in at once (an untouched megabyte costs 0.9 ms when it is first written).</summary>
    internal NetlinkReceiveBuffer(int slots, int slotLength, bool touch)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(slots);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(slotLength);
        Slots = slots;
        SlotLength = slotLength;
        nuint total = checked((nuint)slots * (nuint)slotLength);
        _memory = (byte*)NativeMemory.AlignedAlloc(total, 4096);
        _headers = (MultipleMessageHeader*)NativeMemory.AllocZeroed((nuint)slots, (nuint)sizeof(MultipleMessageHeader));
        _vectors = (IoVector*)NativeMemory.AllocZeroed((nuint)slots, (nuint)sizeof(IoVector));
        if (touch)
        {
            NativeMemory.Clear(_memory, total);
        }

        for (int i = 0; i < slots; i++)
        {
            _vectors[i] = new IoVector { Base = _memory + ((nuint)i * (nuint)slotLength), Length = (nuint)slotLength };
            _headers[i].Header.Vectors = &_vectors[i];
            _headers[i].Header.VectorCount = 1;
        }
    }

    internal int Slots { get; }

    internal int SlotLength { get; }

    internal MultipleMessageHeader* Headers => _headers;

    /// <summary>The bytes of the datagram in a slot; cut at <see cref="SlotLength"/> where it was longer.</summary>
    internal ReadOnlySpan<byte> Message(int slot)
    {
        ObjectDisposedException.ThrowIf(_memory is null, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)slot, (uint)Slots, nameof(slot));
        return new(_memory + ((nuint)slot * (nuint)SlotLength), (int)Math.Min(_headers[slot].Length, (uint)SlotLength));
    }

    public void Dispose()
    {
        if (_memory is not null)
        {
            NativeMemory.AlignedFree(_memory);
            NativeMemory.Free(_headers);
            NativeMemory.Free(_vectors);
            _memory = null;
            _headers = null;
            _vectors = null;
        }
    }
}
