using Interceptor.Tcp;
using Interceptor.Testing;

namespace Interceptor.Tests.Tcp;

/// <summary>
/// Our own captures of runs whose truth is known: the sender's kernel counted its retransmissions, and the router between both ends counted what it dropped
/// (captures/README.md). tshark counts each of them otherwise: docs/tshark-differences.md.
/// </summary>
public sealed class AnalysisTruthTests
{
    [Theory]
    [InlineData("loss-seen-by-the-sender.pcapng")]
    [InlineData("loss-seen-by-the-receiver.pcapng")]
    public void Seven_losses_are_seven_fast_retransmissions_and_no_reordering(string capture)
    {
        // RetransSegs 7, TCPFastRetrans 7, TCPDSACKRecv 0; the router held every packet equally long.
        TcpDirectionCounters sent = Sender(capture).Counters;
        Assert.Equal(7, sent.Retransmissions);
        Assert.Equal(7, sent.FastRetransmissions);
        Assert.Equal(0, sent.SpuriousRetransmissions);
        Assert.Equal(0, sent.OutOfOrder);
    }

    [Fact]
    public void Where_nothing_was_lost_every_retransmission_is_spurious()
    {
        // RetransSegs 36, TCPFastRetrans 36; the router dropped none of 602 packets.
        TcpDirectionCounters sent = Sender("reordering-seen-by-the-sender.pcapng").Counters;
        Assert.Equal(36, sent.Retransmissions);
        Assert.Equal(36, sent.FastRetransmissions);
        Assert.Equal(36, sent.SpuriousRetransmissions);
        Assert.Equal(0, sent.OutOfOrder);
    }

    [Fact]
    public void Behind_a_reordering_network_late_first_copies_are_told_from_needless_second_ones()
    {
        TcpEndpoint sender = Sender("reordering-seen-by-the-receiver.pcapng");
        Assert.Equal(36, sender.Counters.Retransmissions);
        Assert.Equal(36, sender.Counters.SpuriousRetransmissions);
        Assert.Equal(193, sender.Counters.OutOfOrder);
        Assert.Equal(0, sender.Stream.MissingBytes);
    }

    [Fact]
    public void Both_recordings_of_a_run_have_the_same_segments_of_the_sender()
    {
        Assert.Equal(
            Sender("reordering-seen-by-the-sender.pcapng").Counters.Packets,
            Sender("reordering-seen-by-the-receiver.pcapng").Counters.Packets);
        Assert.Equal(
            Sender("loss-seen-by-the-sender.pcapng").Counters.Packets,
            Sender("loss-seen-by-the-receiver.pcapng").Counters.Packets + 7);
    }

    // The server sends the data.
    private static TcpEndpoint Sender(string capture) =>
        Assert.Single(AnalysisComparison.Track(Path.Combine(ProjectPaths.OwnCaptures, capture)).Connections).Server;
}
