using Interceptor.Capture;
using Interceptor.Capture.Injection;
using Interceptor.Interop;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>
/// Compiles, binds and goes once through everything that sends a packet, but for the packet: what runs for the first time is tens of microseconds late.
/// </summary>
internal static class ReplayRehearsal
{
    private const int Packets = 64;

    /// <summary>Between two packets, ns: long enough to be waited for.</summary>
    private const int Gap = 20_000;

    /// <param name="target">Where packets will go.</param>
    /// <param name="clock">The clock that they will wait for: code that was bound for another one's type is bound anew at its first call.</param>
    /// <param name="linkType">The packets'.</param>
    /// <param name="cancellation">Ends it early.</param>
    internal static void Run(IPacketInjector target, IReplayClock clock, LinkType linkType, CancellationToken cancellation)
    {
        CodeWarmup.PrepareAll(
            typeof(PacketReplayer), typeof(ReplaySchedule), typeof(ReplayBlock), typeof(TimingErrors), typeof(PausableReplayClock), typeof(MonotonicReplayClock),
            typeof(LinkInjector), typeof(SendBatch), typeof(InjectionCounter), typeof(PacketSocket));
        target.IsMuted = true;
        try
        {
            var source = new Source(linkType);
            new PacketReplayer(target, new ReplayOptions(), clock) { IsRehearsal = true }.Run(() => source, cancellation);
        }
        finally
        {
            target.IsMuted = false;
        }
    }

    private sealed class Source(LinkType linkType) : IPacketSource
    {
        private readonly byte[] _packet = new byte[64];
        private int _read;

        public IReadOnlyList<CaptureInterface> Interfaces => [];

        public bool TryRead(out CapturedPacket packet)
        {
            packet = new CapturedPacket(_packet, new PacketMetadata { HasTimestamp = true, Timestamp = new CaptureTimestamp(_read * Gap), OriginalLength = _packet.Length, LinkType = linkType });
            return _read++ < Packets;
        }

        public void Dispose()
        {
        }
    }
}
