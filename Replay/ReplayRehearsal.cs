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

    internal static void Run(IPacketSink target, ReplayPace pace, LinkType linkType)
    {
        CodeWarmup.PrepareAll(
            typeof(PacketReplayer), typeof(ReplaySchedule), typeof(ReplayBlock), typeof(TimingErrors), typeof(PausableReplayClock), typeof(MonotonicReplayClock),
            typeof(LinkInjector), typeof(SendBatch), typeof(InjectionCounter), typeof(PacketSocket));
        var injector = target as IPacketInjector;
        _ = injector?.IsMuted = true;
        try
        {
            var source = new Source(linkType);
            new PacketReplayer((IPacketSink?)injector ?? new DiscardingSink(), new ReplayOptions { Pace = pace }, new VirtualReplayClock()).Run(() => source);
        }
        finally
        {
            _ = injector?.IsMuted = false;
        }
    }

    private sealed class Source(LinkType linkType) : IPacketSource
    {
        private readonly byte[] _packet = new byte[64];
        private int _read;

        public IReadOnlyList<CaptureInterface> Interfaces => [];

        public bool TryRead(out CapturedPacket packet)
        {
            packet = new CapturedPacket(_packet, new PacketMetadata { HasTimestamp = true, Timestamp = new CaptureTimestamp(_read), OriginalLength = _packet.Length, LinkType = linkType });
            return _read++ < Packets;
        }

        public void Dispose()
        {
        }
    }
}
