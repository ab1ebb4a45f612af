using Interceptor.Tcp;
using Interceptor.Tcp.Activity;

namespace Interceptor.Cli.Live;

/// <summary>What a connection had sent, sent again and waited for up to an instant. Plain data.</summary>
/// <param name="At">The instant; monotonic, ns.</param>
/// <param name="Packets">Segments of both ends.</param>
/// <param name="ClientBytes">Payload of the client.</param>
/// <param name="ServerBytes">Payload of the server.</param>
/// <param name="RepeatedBytes">Payload of both that was sent again.</param>
/// <param name="ClientTimes">What held the client back for how long.</param>
/// <param name="ServerTimes">What held the server back for how long.</param>
internal readonly record struct ConnectionSample(
    long At, long Packets, long ClientBytes, long ServerBytes, long RepeatedBytes, SendLimitTimes ClientTimes, SendLimitTimes ServerTimes)
{
    /// <summary>Payload bytes of both.</summary>
    internal long Bytes => ClientBytes + ServerBytes;

    /// <summary>The sample of this instant.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="activity">What is known of its ends; null where nothing is.</param>
    /// <param name="now">Monotonic, ns.</param>
    /// <param name="clock">The same instant by the clock of the packets.</param>
    internal static ConnectionSample Of(TcpConnection connection, TcpActivity? activity, long now, Packets.CaptureTimestamp clock) => new(
        now, connection.Packets, connection.Client.Counters.PayloadBytes, connection.Server.Counters.PayloadBytes,
        activity is null ? 0 : activity.Client.RetransmittedBytes + activity.Server.RetransmittedBytes,
        activity?.Client.TimesAt(clock) ?? default, activity?.Server.TimesAt(clock) ?? default);

    /// <summary>What was added since <paramref name="earlier"/>; the instant stays.</summary>
    internal ConnectionSample Since(in ConnectionSample earlier) => new(
        At, Packets - earlier.Packets, ClientBytes - earlier.ClientBytes, ServerBytes - earlier.ServerBytes, RepeatedBytes - earlier.RepeatedBytes,
        ClientTimes.Since(earlier.ClientTimes), ServerTimes.Since(earlier.ServerTimes));
}
