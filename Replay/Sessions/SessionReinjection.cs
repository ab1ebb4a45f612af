using Interceptor.Capture.Injection;
using Interceptor.Capture.Intercept;
using Interceptor.Checkpoint;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>
/// Gives a restored connection the packets that were kept for it, in order of arrival, through a raw socket: the peer's to the new socket, each cut down to what that lacks, and of
/// the old socket's those that say nothing the new one does not know. One that can't be sent is as good as lost on its way: its sender sends it again.
/// </summary>
internal static class SessionReinjection
{
    /// <summary>Works in the calling thread's network namespace.</summary>
    internal static ReinjectionCount Run(SessionImage image)
    {
        if (image.HeldPackets.Count == 0)
        {
            return default;
        }

        using RawIpInjector injector = RawIpInjector.Open(image.Snapshot.Local.Address.Version, FirewallMatch.OwnMark);
        var trimmer = new HeldPacketTrimmer(image.Snapshot);
        int left = 0;
        int trimmed = 0;
        foreach (HeldSessionPacket held in image.HeldPackets)
        {
            byte[] packet = held.IpPacket.ToArray();
            if (held.ChecksumMissing)
            {
                PacketChecksums.FixChecksums(packet, LinkType.Raw);
            }

            int length = packet.Length;
            if (held.IsInbound ? trimmer.TryTrim(packet, out length) : HeldPacketPolicy.MayGoOut(packet, packet.Length, image.Snapshot))
            {
                trimmed += injector.Send(packet.AsSpan(0, length)) && length < packet.Length ? 1 : 0;
            }
            else
            {
                left++;
            }
        }

        InjectionStatistics statistics = injector.Statistics;
        return new ReinjectionCount(image.HeldPackets.Count, (int)statistics.SentPackets, left, (int)statistics.FailedPackets, trimmed);
    }
}
