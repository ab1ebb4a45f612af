using Interceptor.Capture.Injection;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// Packets of our own: routed like this machine's, with the mark by which our rules let them pass.
/// <para>Threads: that of its worker; they go out in the network namespace of the thread that made it.</para>
/// </summary>
internal sealed class OwnPackets : IDisposable
{
    private readonly RawIpInjector _injector4;
    private readonly RawIpInjector _injector6;

    internal OwnPackets()
    {
        _injector4 = RawIpInjector.Open(4, FirewallMatch.OwnMark);
        try
        {
            _injector6 = RawIpInjector.Open(6, FirewallMatch.OwnMark);
        }
        catch
        {
            _injector4.Dispose();
            throw;
        }
    }

    /// <summary>How many were sent.</summary>
    internal long Sent => _injector4.Statistics.SentPackets + _injector6.Statistics.SentPackets;

    /// <summary>Sends one from its IP header on; nothing to send is success. False if it could not be sent.</summary>
    internal bool Send(ReadOnlySpan<byte> packet) => packet.IsEmpty || (packet[0] >> 4 == 4 ? _injector4 : _injector6).Send(packet);

    public void Dispose()
    {
        _injector4.Dispose();
        _injector6.Dispose();
    }
}
