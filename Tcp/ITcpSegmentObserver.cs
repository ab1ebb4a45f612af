namespace Interceptor.Tcp;

/// <summary>Watches what a <see cref="TcpTracker"/> makes of each segment. Called on the tracker's thread, in the order of the packets.</summary>
public interface ITcpSegmentObserver
{
    /// <summary>A segment was followed: the sender's and the receiver's numbers and counters already contain it.</summary>
    /// <param name="sender">The end that sent it; its <see cref="TcpEndpoint.Peer"/> got it.</param>
    /// <param name="segment">The segment; borrowed for the call.</param>
    /// <param name="at">When it was captured.</param>
    /// <param name="number">Number of its packet in the source, from 1.</param>
    void Followed(TcpEndpoint sender, in TcpSegment segment, Packets.CaptureTimestamp at, long number);
}
