using System.Net.Sockets;
using System.Text;
using Interceptor.Packets;
using Interceptor.Tcp;

namespace Interceptor.LinuxTests.Tcp;

/// <summary>What a kernel does with segments that no kernel sends, and what the model says of it.</summary>
public sealed class CraftedTruthTests
{
    [Fact]
    public void The_mark_is_where_the_kernel_takes_the_urgent_byte_out_of_band()
    {
        using var peer = new CraftedPeer();
        using Socket socket = peer.Connect();
        peer.Send(1, "in band"u8);
        peer.Send(8, "urgent!"u8, TcpFlags.Ack | TcpFlags.Urg | TcpFlags.Psh, urgentPointer: 7);
        peer.Send(15, "behind"u8);
        peer.FollowUntilAcknowledged(21);
        Assert.Equal(CraftedPeer.Absolute(15), peer.OwnEnd.Send.SndUp);
        Assert.Equal(CraftedPeer.Absolute(15), peer.KernelEnd.Receive.RcvUp);
        byte[] buffer = new byte[64];
        int outOfBand = socket.Receive(buffer, SocketFlags.OutOfBand);
        Assert.Equal("!", Encoding.ASCII.GetString(buffer, 0, outOfBand));

        // A read stops at the mark.
        int before = socket.Receive(buffer);
        Assert.Equal("in bandurgent", Encoding.ASCII.GetString(buffer, 0, before));
        int after = socket.Receive(buffer);
        Assert.Equal("behind", Encoding.ASCII.GetString(buffer, 0, after));
        Assert.Equal("in bandurgent!behind", Encoding.ASCII.GetString(peer.Followed));
        Assert.Equal((byte)'!', peer.Followed[peer.OwnEnd.Send.SndUp!.Value - CraftedPeer.Absolute(1) - 1]);
    }

    [Fact]
    public void The_mark_of_a_kernel_is_behind_the_byte_that_its_application_sent_out_of_band()
    {
        using var peer = new CraftedPeer();
        using Socket socket = peer.Connect();
        socket.Send("abc"u8);
        socket.Send("X"u8, SocketFlags.OutOfBand);
        SequenceNumber first = peer.KernelEnd.Send.Iss!.Value + 1;
        peer.FollowUntil((in TcpSegment segment) => segment.End == first + 4, "the urgent byte");
        Assert.Equal(first + 4, peer.KernelEnd.Send.SndUp);
        Assert.Equal(1, peer.KernelEnd.Send.UrgentMarks);
    }

    [Fact]
    public void A_kernel_that_ran_out_of_memory_reneges_and_the_model_follows()
    {
        using var peer = new CraftedPeer(listener => listener.ReceiveBufferSize = 1 << 20);
        using Socket socket = peer.Connect();
        byte[] block = new byte[1000];
        for (int i = 1; i <= 20; i++)
        {
            // Behind the gap, with holes of 1000 bytes between them.
            peer.Send(1 + (2000 * i), block);
        }

        // The kernel is asked, as it does not report every block: compressing its acknowledgments it sometimes leaves the last one out (seen on 6.18).
        peer.FollowUntil(() => KernelSocketState.OutOfOrderSegments(socket) == 20 && peer.KernelEnd.ReceiveQueue.OutOfOrderBytes == 20_000, "all blocks behind the gap");

        // Less room than what waits takes: the next segment makes the kernel throw it away, once there is data in order.
        socket.ReceiveBufferSize = 2048;
        peer.Send(1, block);
        peer.Send(1001, block);
        peer.FollowUntilAcknowledged(2001);
        Assert.Equal(CraftedPeer.Absolute(2001), peer.KernelEnd.Receive.RcvNxt);
        Assert.Equal(0, peer.KernelEnd.ReceiveQueue.OutOfOrderBytes);
    }

    [Fact]
    public void A_segment_with_an_old_timestamp_is_thrown_away_by_both()
    {
        using var peer = new CraftedPeer();
        using Socket socket = peer.Connect(timestamps: true);
        peer.Send(1, "first"u8, timestamp: 1000);
        peer.FollowUntilAcknowledged(6);
        peer.Send(6, "XXXXXX"u8, timestamp: 500);
        peer.FollowUntilAcknowledged(6);
        Assert.Equal(CraftedPeer.Absolute(6), peer.KernelEnd.Receive.RcvNxt);
        peer.Send(6, "second"u8, timestamp: 1001);
        peer.FollowUntilAcknowledged(12);
        byte[] buffer = new byte[64];
        int read = socket.Receive(buffer);
        Assert.Equal("firstsecond", Encoding.ASCII.GetString(buffer, 0, read));
        Assert.Equal("firstsecond", Encoding.ASCII.GetString(peer.Followed));
        Assert.Equal(6, peer.OwnEnd.Stream.ConflictingBytes);
        Assert.Equal(1001u, peer.KernelEnd.Receive.TimestampRecent);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(-1, false)]
    [InlineData(5000, false)]
    public void A_reset_is_believed_with_the_next_number_alone(int distance, bool isBelieved)
    {
        using var peer = new CraftedPeer();
        using Socket socket = peer.Connect();
        peer.Send(1, "text"u8);
        peer.FollowUntilAcknowledged(5);
        peer.Send(5 + distance, [], TcpFlags.Rst);
        peer.Send(5, "more"u8);

        // An acknowledgment, or a reset to what comes after one that was believed.
        peer.FollowUntil((in TcpSegment segment) => segment.Rst || segment.Acknowledgment == CraftedPeer.Absolute(9), "the answer");
        socket.Blocking = false;
        Assert.Equal(isBelieved, WasReset(socket));
        Assert.Equal(isBelieved, peer.KernelEnd.State == TcpState.Closed);
    }

    private static bool WasReset(Socket socket)
    {
        // What came before the reset is still there to be read.
        Span<byte> buffer = stackalloc byte[64];
        SocketError error;
        while (socket.Receive(buffer, SocketFlags.None, out error) > 0)
        {
        }

        return error == SocketError.ConnectionReset;
    }
}
