using Interceptor.Packets;

namespace Interceptor.Capture.Intercept;

/// <summary>
/// What tells a copy of a held packet from another packet. Of TCP: the sequence numbers that the segment occupies, and its text; a segment that occupies none (an acknowledgment, a probe)
/// and a reset are never copies, as each of them tells something. Of what else has an IPv4 identification: that number, and all bytes from it on. What has neither has no copies.
/// </summary>
/// <param name="Start">The first sequence number.</param>
/// <param name="Length">How many there are; 0 for none.</param>
/// <param name="TextOffset">Where the text begins in the packet, or what is compared of other packets.</param>
/// <param name="TextLength">Bytes of it.</param>
internal readonly record struct HeldRange(SequenceNumber Start, int Length, int TextOffset, int TextLength)
{
    // In the IPv4 header: what follows is the same in a copy, and fragments of one datagram differ in it.
    private const int IdentificationOffset = 4;

    /// <summary>A SYN stands before the text.</summary>
    internal bool HasSyn { get; init; }

    /// <summary>A FIN stands behind the text.</summary>
    internal bool HasFin { get; init; }

    /// <summary>It is no segment, and can be told by its identification.</summary>
    internal bool IsIdentified { get; init; }

    private SequenceNumber TextStart => Start + (HasSyn ? 1 : 0);

    private SequenceNumber End => Start + Length;

    /// <summary>Takes it out of a packet.</summary>
    internal static HeldRange Of(scoped in PacketView packet)
    {
        if (packet.IsTruncated || packet.LayerCount == 0)
        {
            return default;
        }

        if (packet.TryGetTcp(out TcpView tcp) && !FragmentReassembler.IsFragment(in packet))
        {
            bool hasSyn = (tcp.Flags & TcpFlags.Syn) != 0;
            bool hasFin = (tcp.Flags & TcpFlags.Fin) != 0;
            int text = packet.Payload.Length;
            return (tcp.Flags & TcpFlags.Rst) != 0
                ? default
                : new HeldRange(tcp.Sequence, text + (hasSyn ? 1 : 0) + (hasFin ? 1 : 0), packet.Innermost.PayloadOffset, text) { HasSyn = hasSyn, HasFin = hasFin };
        }

        return Ipv4View.TryParse(packet.Data, out Ipv4View ip) && ip.Identification != 0
            ? new HeldRange(default, 0, IdentificationOffset, packet.Data.Length - IdentificationOffset) { IsIdentified = true }
            : default;
    }

    /// <summary>This packet has nothing that the other one does not have.</summary>
    /// <param name="bytes">This packet.</param>
    /// <param name="other">The other one's range, of the same flow.</param>
    /// <param name="otherBytes">The other one.</param>
    internal bool IsWithin(ReadOnlySpan<byte> bytes, in HeldRange other, ReadOnlySpan<byte> otherBytes)
    {
        ReadOnlySpan<byte> text = bytes.Slice(TextOffset, TextLength);
        ReadOnlySpan<byte> otherText = otherBytes.Slice(other.TextOffset, other.TextLength);
        if (Length == 0 || other.Length == 0)
        {
            return IsIdentified && other.IsIdentified && text.SequenceEqual(otherText);
        }

        if (Start < other.Start || End > other.End || (HasSyn && !other.HasSyn) || (HasFin && !(other.HasFin && End == other.End)))
        {
            return false;
        }

        int skipped = TextStart - other.TextStart;
        return skipped >= 0 && skipped + TextLength <= otherText.Length && text.SequenceEqual(otherText.Slice(skipped, TextLength));
    }
}
