namespace Interceptor.Tcp;

/// <summary>Takes what there is to tell of each connection that a <see cref="TcpTracker"/> is done with, once. Called on the tracker's thread.</summary>
public interface ITcpConnectionSink
{
    /// <summary>
    /// The connection is closed and gave way to newer ones, its addresses and ports began another one, the memory's limit was reached
    /// (<see cref="TcpConnectionReport.IsEvicted"/>), or the source has ended; those of the source's end come in the order of their ids.
    /// </summary>
    void Take(in TcpConnectionReport report);
}
