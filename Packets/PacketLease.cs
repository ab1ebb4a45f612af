using System.Diagnostics.CodeAnalysis;

namespace Interceptor.Packets;

/// <summary>
/// The bytes of one packet with its metadata, in a pooled buffer.
/// <para>Ownership: whoever holds a lease disposes it exactly once. <see cref="Share"/> gives a second holder a claim of its own,
/// and the buffer goes back to the pool when the last claim is disposed. Spans taken from it are borrowed and die with the claim.</para>
/// <para>Threads: claims may be disposed on any thread; the bytes may be read by many and written by one.</para>
/// </summary>
public sealed class PacketLease : IDisposable
{
    private readonly PacketLeasePool _pool;
    private byte[] _buffer;
    private int _length;
    private int _claims;

    internal PacketLease(PacketLeasePool pool, int capacity)
    {
        _pool = pool;
        _buffer = GC.AllocateUninitializedArray<byte>(capacity);
    }

    /// <summary>What is known of the packet besides its bytes.</summary>
    public PacketMetadata Metadata { get; set; }

    /// <summary>Captured length in bytes.</summary>
    public int Length
    {
        get
        {
            ThrowIfReturned();
            return _length;
        }
    }

    /// <summary>Claims not yet disposed; 0 while the lease rests in its pool.</summary>
    public int Claims => Volatile.Read(ref _claims);

    internal int Capacity => _buffer.Length;

    /// <summary>The captured bytes.</summary>
    public ReadOnlySpan<byte> Data
    {
        get
        {
            ThrowIfReturned();
            return _buffer.AsSpan(0, _length);
        }
    }

    /// <summary>The captured bytes for whoever fills or edits them; the only claim should be the writer's.</summary>
    public Span<byte> WritableData
    {
        get
        {
            ThrowIfReturned();
            return _buffer.AsSpan(0, _length);
        }
    }

    /// <summary>The packet as a source would lend it.</summary>
    public CapturedPacket Packet => new(Data, Metadata);

    /// <summary>A further claim on the same bytes for a second holder, who disposes it like any other.</summary>
    public PacketLease Share()
    {
        ThrowIfReturned();
        Interlocked.Increment(ref _claims);
        return this;
    }

    /// <summary>Changes the captured length; bytes beyond the old length are undefined. Grows the buffer if it must.</summary>
    public void Resize(int length)
    {
        ThrowIfReturned();
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (length > _buffer.Length)
        {
            Array.Resize(ref _buffer, length);
        }

        _length = length;
    }

    /// <summary>Gives one claim back.</summary>
    /// <exception cref="InvalidOperationException">Every claim had been given back already.</exception>
    public void Dispose()
    {
        int left = Interlocked.Decrement(ref _claims);
        if (left < 0)
        {
            Interlocked.Increment(ref _claims);
            throw new InvalidOperationException("A packet lease was disposed more often than it was claimed.");
        }

        if (left == 0)
        {
            _pool.Return(this);
        }
    }

    internal void Open(int length)
    {
        if (length > _buffer.Length)
        {
            _buffer = GC.AllocateUninitializedArray<byte>(length);
        }

        _length = length;
        Metadata = default;
        Volatile.Write(ref _claims, 1);
    }

    internal void Poison() => _buffer.AsSpan().Fill(0xDB);

    private void ThrowIfReturned()
    {
        if (Volatile.Read(ref _claims) <= 0)
        {
            ThrowReturned();
        }
    }

    [DoesNotReturn]
    private static void ThrowReturned() =>
        throw new ObjectDisposedException(nameof(PacketLease), "The packet lease was used after it had gone back to its pool.");
}
