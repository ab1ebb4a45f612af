namespace Interceptor.Packets;

/// <summary>The numbers that are printed for a segment.</summary>
/// <param name="Sequence">Of its first byte.</param>
/// <param name="Acknowledgment">What it acknowledges.</param>
/// <param name="SackOrigin">What is taken from the edges of its SACK blocks; 0 to print them as they are.</param>
internal readonly record struct TcpSequenceNumbers(uint Sequence, uint Acknowledgment, uint SackOrigin)
{
    /// <summary>The numbers of the header.</summary>
    internal static TcpSequenceNumbers Absolute(scoped in TcpView tcp) => new(tcp.Sequence.Value, tcp.Acknowledgment.Value, 0);
}
