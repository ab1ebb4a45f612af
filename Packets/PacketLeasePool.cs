using System.Collections.Concurrent;

namespace Interceptor.Packets;

/// <summary>
/// Lends <see cref="PacketLease"/>s and takes them back. Any thread may rent and return.
/// A diagnostic pool overwrites returned buffers, so that a use after return shows, and counts what is still out, so that a test can find a leak.
/// </summary>
public sealed class PacketLeasePool
{
    private readonly ConcurrentQueue<PacketLease> _idle = new();
    private readonly int _bufferLength;
    private readonly int _maxIdle;
    private readonly bool _diagnostic;
    private int _idleCount;
    private long _outstanding;

    /// <summary>A pool of its own.</summary>
    /// <param name="bufferLength">Bytes of a fresh buffer; a longer packet gets a longer one.</param>
    /// <param name="maxIdle">Leases kept for reuse; what comes back beyond that is left to the collector.</param>
    /// <param name="diagnostic">Overwrite buffers on return (tests and debugging).</param>
    public PacketLeasePool(int bufferLength = 2048, int maxIdle = 4096, bool diagnostic = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bufferLength);
        ArgumentOutOfRangeException.ThrowIfNegative(maxIdle);
        _bufferLength = bufferLength;
        _maxIdle = maxIdle;
        _diagnostic = diagnostic;
    }

    /// <summary>The process's pool. Overwrites returned buffers in debug builds.</summary>
    public static PacketLeasePool Shared { get; } = new(diagnostic: IsDebug);

    /// <summary>Leases rented and not yet wholly given back.</summary>
    public long Outstanding => Interlocked.Read(ref _outstanding);

    private static bool IsDebug =>
#if DEBUG
        true;
#else
        false;
#endif

    /// <summary>A lease of <paramref name="length"/> bytes with one claim, contents undefined.</summary>
    public PacketLease Rent(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (_idle.TryDequeue(out PacketLease? lease))
        {
            Interlocked.Decrement(ref _idleCount);
        }
        else
        {
            lease = new PacketLease(this, Math.Max(length, _bufferLength));
        }

        lease.Open(length);
        Interlocked.Increment(ref _outstanding);
        return lease;
    }

    /// <summary>A lease that holds a copy of <paramref name="packet"/>.</summary>
    public PacketLease Copy(in CapturedPacket packet)
    {
        PacketLease lease = Rent(packet.Data.Length);
        packet.Data.CopyTo(lease.WritableData);
        lease.Metadata = packet.Metadata;
        return lease;
    }

    internal void Return(PacketLease lease)
    {
        Interlocked.Decrement(ref _outstanding);
        if (_diagnostic)
        {
            lease.Poison();
        }

        // A jumbo buffer is not kept: one GSO packet must not pin 64 KiB in every lease.
        if (lease.Capacity <= 4 * _bufferLength && Interlocked.Increment(ref _idleCount) <= _maxIdle)
        {
            _idle.Enqueue(lease);
        }
        else if (lease.Capacity <= 4 * _bufferLength)
        {
            Interlocked.Decrement(ref _idleCount);
        }
    }
}
