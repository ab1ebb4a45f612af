using System.Globalization;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Tcp;

namespace Interceptor.Replay;

/// <summary>What a dumped socket says of its peer's patience.</summary>
internal static class PeerPatienceReader
{
    private const int DefaultRetries = 15;
    private const long LeastVariation = 200_000;

    /// <summary>The estimate; null where there is no connection yet, or the peer has ended its stream and all of it has come, so that it sends nothing again.</summary>
    /// <param name="image">The socket.</param>
    /// <param name="networkNamespace">Whose tcp_retries2 stands for the peer's.</param>
    internal static PeerPatience? Read(SessionImage image, NetworkNamespace networkNamespace)
    {
        if (image.Snapshot.FinReceived || !image.Snapshot.State.IsSynchronized())
        {
            return null;
        }

        // As the kernel computes it from the round trip (tcp_set_rto); tcpi_rto itself may have backed off.
        SessionCounters counters = image.Counters;
        long timeout = counters.RttMicroseconds == 0 ? counters.RtoMicroseconds
            : counters.RttMicroseconds + Math.Max(LeastVariation, 4L * counters.RttVarianceMicroseconds);
        return PeerPatience.Estimate(TimeSpan.FromMicroseconds(timeout), networkNamespace.Run(ReadRetries));
    }

    private static int ReadRetries()
    {
        try
        {
            return int.Parse(File.ReadAllText("/proc/sys/net/ipv4/tcp_retries2"), CultureInfo.InvariantCulture);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException)
        {
            return DefaultRetries;
        }
    }
}
