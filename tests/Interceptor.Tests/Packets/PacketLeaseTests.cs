using Interceptor.Packets;

namespace Interceptor.Tests.Packets;

public class PacketLeaseTests
{
    private readonly PacketLeasePool _pool = new(bufferLength: 64, maxIdle: 2, diagnostic: true);

    [Fact]
    public void Disposing_twice_is_an_error()
    {
        PacketLease lease = _pool.Rent(10);
        lease.Dispose();
        Assert.Throws<InvalidOperationException>(lease.Dispose);
        Assert.Equal(0, _pool.Outstanding);
    }

    [Fact]
    public void Use_after_return_is_an_error()
    {
        PacketLease lease = _pool.Rent(10);
        lease.Dispose();
        Assert.Throws<ObjectDisposedException>(() => lease.Length);
        Assert.Throws<ObjectDisposedException>(() => lease.Data.Length);
        Assert.Throws<ObjectDisposedException>(() => lease.WritableData.Length);
        Assert.Throws<ObjectDisposedException>(lease.Share);
        Assert.Throws<ObjectDisposedException>(() => lease.Resize(3));
    }

    [Fact]
    public void A_shared_lease_stays_until_the_last_claim_is_given_back()
    {
        PacketLease first = _pool.Rent(3);
        "abc"u8.CopyTo(first.WritableData);
        PacketLease second = first.Share();
        Assert.Equal(2, first.Claims);

        first.Dispose();

        Assert.Equal("abc"u8, second.Data);
        Assert.Equal(1, _pool.Outstanding);
        second.Dispose();
        Assert.Equal(0, _pool.Outstanding);
    }

    [Fact]
    public void A_diagnostic_pool_overwrites_what_comes_back()
    {
        PacketLease lease = _pool.Rent(4);
        "abcd"u8.CopyTo(lease.WritableData);
        ReadOnlySpan<byte> kept = lease.Data;
        lease.Dispose();
        Assert.Equal([0xDB, 0xDB, 0xDB, 0xDB], kept.ToArray());
    }

    [Fact]
    public void A_returned_lease_is_lent_again_without_its_metadata()
    {
        PacketLease lease = _pool.Rent(4);
        lease.Metadata = new PacketMetadata { Number = 7 };
        lease.Dispose();
        using PacketLease again = _pool.Rent(9);
        Assert.Same(lease, again);
        Assert.Equal((9, 0L, 1), (again.Length, again.Metadata.Number, again.Claims));
    }

    [Fact]
    public void A_longer_packet_gets_a_longer_buffer_that_is_not_kept()
    {
        PacketLease big = _pool.Rent(10_000);
        Assert.Equal(10_000, big.Data.Length);
        big.Dispose();
        using PacketLease next = _pool.Rent(10);
        Assert.NotSame(big, next);
    }

    [Fact]
    public void Growing_keeps_what_was_written()
    {
        using PacketLease lease = _pool.Rent(3);
        "abc"u8.CopyTo(lease.WritableData);
        lease.Resize(500);
        Assert.Equal("abc"u8, lease.Data[..3]);
        lease.Resize(2);
        Assert.Equal("ab"u8, lease.Data);
    }

    [Fact]
    public void A_copy_has_bytes_and_metadata_of_its_own()
    {
        byte[] bytes = [1, 2, 3];
        var metadata = new PacketMetadata { OriginalLength = 60, LinkType = LinkType.Raw, Number = 4 };
        using PacketLease lease = _pool.Copy(new CapturedPacket(bytes, metadata));
        bytes[0] = 99;
        Assert.Equal([1, 2, 3], lease.Data.ToArray());
        Assert.Equal(metadata, lease.Metadata);
        Assert.True(lease.Packet.IsTruncated);
    }

    [Fact]
    public async Task Claims_given_back_on_many_threads_return_the_lease_once()
    {
        PacketLease lease = _pool.Rent(8);
        for (int i = 0; i < 99; i++)
        {
            lease.Share();
        }

        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Task.Run(lease.Dispose)));

        Assert.Equal((0L, 0), (_pool.Outstanding, lease.Claims));
        Assert.Throws<InvalidOperationException>(lease.Dispose);
    }
}
