using Interceptor.Tcp;

namespace Interceptor.LinuxTests.Tcp;

/// <summary>What the kernel says of a socket without repair. The byte counts include a FIN; the backoff counts the timeouts of the running series.</summary>
internal readonly record struct SocketGlance(TcpState State, int Queued, int Unsent, uint SendWindow, uint SegmentsSacked, int Backoff)
{
    internal bool IsStoppedByWindow => SendWindow == 0 && Unsent > 0 && Queued == Unsent;
}
