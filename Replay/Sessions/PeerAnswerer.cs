using Interceptor.Capture.Injection;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Interop;
using Interceptor.Tcp;

namespace Interceptor.Replay;

/// <summary>Answers a frozen connection's peer in the socket's place, through a raw socket whose mark passes our own rules. One thread.</summary>
internal sealed class PeerAnswerer : IDisposable
{
    private readonly SessionImage _image;
    private readonly RawIpInjector _injector;
    private uint _echo;
    private bool _isDue;

    private PeerAnswerer(SessionImage image, RawIpInjector injector)
    {
        _image = image;
        _injector = injector;
    }

    /// <summary>Answers that went out.</summary>
    internal long Answers => _injector.Statistics.SentPackets;

    /// <summary>True once the peer has reset the connection.</summary>
    internal bool IsReset { get; private set; }

    /// <exception cref="LinuxException">EPERM without CAP_NET_RAW.</exception>
    internal static PeerAnswerer Open(SessionImage image, NetworkNamespace networkNamespace) =>
        new(image, networkNamespace.Run(() => RawIpInjector.Open(image.Snapshot.Local.Address.Version, FirewallMatch.OwnMark)));

    /// <summary>Looks at a packet of the peer; the answer waits for <see cref="Answer"/>, as one does for many.</summary>
    internal void Observe(ReadOnlySpan<byte> ipPacket, int originalLength)
    {
        IsReset |= WindowAnswer.IsEnd(_image.Snapshot, ipPacket, originalLength);
        if (WindowAnswer.IsDue(_image.Snapshot, ipPacket, originalLength, out uint time))
        {
            _isDue = true;
            _echo = time;
        }
    }

    /// <summary>Tells the peer that there is no room now, if it asks.</summary>
    internal void Answer()
    {
        if (_isDue)
        {
            _isDue = false;
            _injector.Send(WindowAnswer.Build(_image.Snapshot, window: 0, SessionRestorer.RunningTimestamp(_image), _echo));
        }
    }

    public void Dispose() => _injector.Dispose();
}
