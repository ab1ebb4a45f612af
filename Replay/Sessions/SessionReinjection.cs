using Interceptor.Capture.Injection;
using Interceptor.Checkpoint;
using Interceptor.Packets;

namespace Interceptor.Replay;

/// <summary>
/// Gives a restored connection the packets that were kept for it, in order of arrival, through a raw socket: the peer's to the new socket, each cut down to what that lacks, and of
/// the old socket's those that say nothing the new one does not know. One that can't be sent is as good as lost on its way: its sender sends it again.
/// </summary>
internal static class SessionReinjection
{
    /// <summary>Does it.</summary>
    /// <param name="image">The connection, with the packets.</param>
    /// <param name="injector">Of the connection's IP version and namespace, with the mark that its lock lets pass.</param>
    internal static ReinjectionCount Run(SessionImage image, RawIpInjector injector)
    {
        InjectionStatistics before = injector.Statistics;
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
        return new ReinjectionCount(
            image.HeldPackets.Count, (int)(statistics.SentPackets - before.SentPackets), left, (int)(statistics.FailedPackets - before.FailedPackets), trimmed);
    }
}
